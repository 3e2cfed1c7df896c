package dev.berth.host.store;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteDataSource;

/**
 * The SQLite file: one connection that writes, a few that read beside it (write-ahead log, so
 * readers and the writer don't wait for each other).
 */
final class Database implements AutoCloseable {
  private static final int READERS = 4;

  /** A transaction of this thread's and what to do once it has committed. */
  private record Transaction(Handle handle, List<Runnable> afterCommit) {}

  private final ScopedValue<Transaction> current = ScopedValue.newInstance();
  private final Path file;
  private final HikariDataSource writePool;
  private final HikariDataSource readPool;
  private final Jdbi writer;
  private final Jdbi readers;

  /**
   * @param deadline how long a lock is waited for
   */
  Database(Path file, Duration deadline) {
    this.file = file;
    this.writePool = pool("berth-store-writer", 1, file, deadline, false);
    this.readPool = pool("berth-store-reader", READERS, file, deadline, true);
    this.writer = Jdbi.create(writePool);
    this.readers = Jdbi.create(readPool);
  }

  Path file() {
    return file;
  }

  /** Connections set up the one way this store uses. */
  static SQLiteDataSource source(Path file, Duration deadline, boolean readOnly) {
    var config = new SQLiteConfig();
    config.setJournalMode(SQLiteConfig.JournalMode.WAL);
    // FULL: a commit that returned survives a power cut, too.
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    config.setBusyTimeout(Math.toIntExact(deadline.toMillis()));
    config.enforceForeignKeys(true);
    // What is deleted is overwritten with zeros: a setting that turned secret leaves no trace.
    config.setPragma(SQLiteConfig.Pragma.SECURE_DELETE, "true");
    // A transaction takes the write lock when it begins, so it never fails half-way for want of it.
    config.setTransactionMode(SQLiteConfig.TransactionMode.IMMEDIATE);
    config.setReadOnly(readOnly);
    var source = new SQLiteDataSource(config);
    // As a URI, so that no character of the path means anything to the driver.
    source.setUrl("jdbc:sqlite:" + file.toAbsolutePath().toUri());
    return source;
  }

  private static HikariDataSource pool(
      String name, int size, Path file, Duration deadline, boolean readOnly) {
    var config = new HikariConfig();
    config.setPoolName(name);
    config.setDataSource(source(file, deadline, readOnly));
    config.setReadOnly(readOnly);
    config.setMaximumPoolSize(size);
    config.setMinimumIdle(1);
    config.setConnectionTimeout(Math.max(250, deadline.toMillis()));
    config.setMaxLifetime(0);
    // The first use says what is wrong, as every later one.
    config.setInitializationFailTimeout(-1);
    return new HikariDataSource(config);
  }

  /** Reads; inside a transaction, with what that has written so far. */
  <T extends @Nullable Object> T read(Function<Handle, T> work) {
    try {
      if (current.isBound()) {
        return work.apply(current.get().handle());
      }
      try (Handle handle = readers.open()) {
        return work.apply(handle);
      }
    } catch (JdbiException e) {
      throw StoreFailure.of(file, e);
    }
  }

  /** Writes, in a transaction of its own or in the one that is open on this thread. */
  <T extends @Nullable Object> T write(Function<Handle, T> work) {
    if (current.isBound()) {
      return work.apply(current.get().handle());
    }
    var afterCommit = new ArrayList<Runnable>();
    T result;
    try (Handle handle = writer.open()) {
      result =
          handle.inTransaction(h ->
              ScopedValue.where(current, new Transaction(h, afterCommit))
                  .call(() -> work.apply(h)));
    } catch (JdbiException e) {
      throw StoreFailure.of(file, e);
    }
    afterCommit.forEach(Runnable::run);
    return result;
  }

  /** Whether this thread is inside {@link #write}. */
  boolean isWriting() {
    return current.isBound();
  }

  /** Has {@code action} run once the transaction that is open on this thread has committed. */
  void afterCommit(Runnable action) {
    current.get().afterCommit().add(action);
  }

  /** Moves everything from the write-ahead log into the database and empties the log. */
  void checkpoint() {
    try (Handle handle = writer.open()) {
      handle.createQuery("PRAGMA wal_checkpoint(TRUNCATE)").mapTo(int.class).one();
    } catch (JdbiException e) {
      throw StoreFailure.of(file, e);
    }
  }

  @Override
  public void close() {
    readPool.close();
    writePool.close();
  }
}
