package dev.berth.host.store;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What the host remembers, in {@code <data>/berth.db}. One host per data folder: opening takes
 * {@code <data>/berth.lock}.
 *
 * <p>Every method of what hangs here either has its effect on disk when it returns, or none. It
 * throws {@link PluginException}: {@code store_unavailable} when the database stays locked past the
 * deadline, {@code store_corrupt}, {@code disk_full}.
 */
public final class Store implements AutoCloseable {
  private static final Duration DEADLINE = Duration.ofSeconds(5);

  private final DataLock lock;
  private final Database database;
  private final Registry registry;
  private final Journal journal;
  private final SettingsStore settings;
  private final AccessKeys keys;
  private final PluginsManifest manifest;

  private Store(Path dataDir, DataLock lock, Database database, JournalObserver observer) {
    this.lock = lock;
    this.database = database;
    this.registry = new Registry(database);
    this.journal = new Journal(database, observer);
    this.settings =
        new SettingsStore(database, new SecretBox(dataDir.resolve("keys").resolve("secrets.json")));
    this.keys = new StoredKeys(database);
    this.manifest =
        new PluginsManifest(dataDir.resolve("plugins").resolve("manifest.json"), registry);
  }

  /**
   * Opens the store of {@code dataDir}, making both where there are none, and brings an older
   * database up to date.
   *
   * @throws PluginException {@code store_unavailable} when another host has it open, {@code
   *     store_corrupt} when the database is damaged, missing where there was one, or of a newer
   *     Berth; nothing is changed then
   */
  public static Store open(Path dataDir) {
    return open(dataDir, JournalObserver.NONE);
  }

  /** The same, with {@code observer} told of each point the journal passes. */
  public static Store open(Path dataDir, JournalObserver observer) {
    return open(dataDir, observer, DEADLINE);
  }

  /** The same, waiting at most {@code deadline} for a database that somebody else has locked. */
  static Store open(Path dataDir, JournalObserver observer, Duration deadline) {
    Path file = dataDir.resolve("berth.db");
    DataLock lock = null;
    Database database = null;
    boolean opened = false;
    try {
      // Others may pass through to what is theirs (a plugin's uid to its package), and not look
      // around.
      Files.createDirectories(dataDir, mode("rwx--x--x"));
      lock = DataLock.take(dataDir);
      NativeLibrary.unpackBelow(dataDir);
      prepareFile(dataDir, file);
      Schema.prepare(file, Database.source(file, deadline, false));
      database = new Database(file, deadline);
      var store = new Store(dataDir, lock, database, observer);
      opened = true;
      return store;
    } catch (IOException e) {
      throw StoreFailure.of(file, e);
    } finally {
      if (!opened) {
        close(database, lock);
      }
    }
  }

  /**
   * Works on the API keys of {@code dataDir}, whether or not a host has it open: SQLite lets two
   * processes share the database, and nothing else of the store is touched.
   */
  public static <T extends @Nullable Object> T withKeys(
      Path dataDir, Function<AccessKeys, T> work) {
    Path file = dataDir.resolve("berth.db");
    try {
      Files.createDirectories(dataDir, mode("rwx--x--x"));
      NativeLibrary.unpackBelow(dataDir);
      prepareFile(dataDir, file);
      Schema.prepare(file, Database.source(file, DEADLINE, false));
    } catch (IOException e) {
      throw StoreFailure.of(file, e);
    }
    try (var database = new Database(file, DEADLINE)) {
      return work.apply(new StoredKeys(database));
    }
  }

  /** Sees that only the owner can read the database; SQLite gives its log the same mode. */
  private static void prepareFile(Path dataDir, Path file) throws IOException {
    if (Files.notExists(file) || Files.size(file) == 0) {
      Path witness = dataDir.resolve("plugins").resolve("manifest.json");
      if (Files.exists(witness)) {
        throw new PluginException(
            ErrorCode.STORE_CORRUPT,
            "The database "
                + file
                + " is missing or empty, but "
                + witness
                + " shows that there was one. Put back a backup of the database, or, to start"
                + " anew without those plugins, remove that file.");
      }
    }
    Set<PosixFilePermission> owner = PosixFilePermissions.fromString("rw-------");
    if (Files.notExists(file)) {
      Files.createFile(file, mode("rw-------"));
    } else if (!Files.getPosixFilePermissions(file).equals(owner)) {
      // By path: opening and closing the file would drop locks that SQLite holds on it.
      Files.setPosixFilePermissions(file, owner);
    }
  }

  private static FileAttribute<?> mode(String mode) {
    return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(mode));
  }

  public Registry registry() {
    return registry;
  }

  public Journal journal() {
    return journal;
  }

  public SettingsStore settings() {
    return settings;
  }

  public AccessKeys keys() {
    return keys;
  }

  /** The readable copy of the registry; write it after each change and after recovery. */
  public PluginsManifest manifest() {
    return manifest;
  }

  /**
   * Runs {@code work} in one transaction: all that it does to registry, journal and settings on
   * this thread is there when this returns, or, when it throws, nothing is. There is one writer:
   * keep it short, and nothing else in it. Inside another transaction it is part of that one.
   */
  public void transaction(Runnable work) {
    database.<@Nullable Void>write(_ -> {
      work.run();
      return null;
    });
  }

  /** The same, with a result. */
  public <T extends @Nullable Object> T transaction(Supplier<T> work) {
    return database.write(_ -> work.get());
  }

  @Override
  public void close() {
    close(database, lock);
  }

  private static void close(@Nullable Database database, @Nullable DataLock lock) {
    try {
      if (database != null) {
        database.close();
      }
    } finally {
      if (lock != null) {
        lock.close();
      }
    }
  }
}
