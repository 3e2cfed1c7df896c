package dev.berth.host.store;

import dev.berth.api.DiskFull;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;
import org.sqlite.SQLiteException;

/** What a failure of SQLite or of the disk means to the operator. */
final class StoreFailure {
  private StoreFailure() {}

  static PluginException of(Path file, Throwable failure) {
    if (failure instanceof PluginException known) {
      return known;
    }
    SQLiteException sqlite = find(failure, SQLiteException.class);
    if (sqlite != null) {
      return of(file, sqlite);
    }
    if (find(failure, SQLTransientConnectionException.class) != null) {
      return new PluginException(
          ErrorCode.STORE_UNAVAILABLE,
          "The database " + file + " is busy: no connection to it came free. Try again.",
          failure);
    }
    SQLException sql = find(failure, SQLException.class);
    return new PluginException(
        ErrorCode.INTERNAL,
        "The database " + file + ": " + (sql == null ? failure : sql).getMessage(),
        failure);
  }

  private static PluginException of(Path file, SQLiteException failure) {
    // https://sqlite.org/rescode.html: the primary code is the low byte.
    SQLiteErrorCode code = SQLiteErrorCode.getErrorCode(failure.getResultCode().code & 0xff);
    return switch (code) {
      case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL ->
          new PluginException(
              ErrorCode.STORE_UNAVAILABLE,
              "The database "
                  + file
                  + " is locked by another program. Try again; if it lasts, end that program"
                  + " (`fuser "
                  + file
                  + "` names it).",
              failure);
      case SQLITE_CORRUPT, SQLITE_NOTADB ->
          corrupt(file, String.valueOf(failure.getMessage()), failure);
      case SQLITE_FULL ->
          new PluginException(
              ErrorCode.DISK_FULL,
              "The disk of " + file + " is full; nothing was changed. Free some space.",
              failure);
      case SQLITE_IOERR, SQLITE_CANTOPEN, SQLITE_READONLY, SQLITE_PERM, SQLITE_NOLFS ->
          new PluginException(
              ErrorCode.STORE_UNAVAILABLE,
              "The database "
                  + file
                  + " can't be read or written ("
                  + failure.getMessage()
                  + "). Look at the disk and at the file's permissions.",
              failure);
      default ->
          new PluginException(
              ErrorCode.INTERNAL, "The database " + file + ": " + failure.getMessage(), failure);
    };
  }

  static PluginException corrupt(Path file, String why, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.STORE_CORRUPT,
        "The database "
            + file
            + " is damaged ("
            + why
            + "). Nothing was changed. Stop the host, keep the file, and put back a backup of it.",
        cause);
  }

  /** A file of the store's other than the database could not be written. */
  static PluginException of(Path file, IOException failure) {
    boolean full = DiskFull.is(failure);
    return full
        ? new PluginException(
            ErrorCode.DISK_FULL, "The disk of " + file + " is full. Free some space.", failure)
        : new PluginException(
            ErrorCode.STORE_UNAVAILABLE,
            "Can't read or write " + file + ": " + failure + ". Look at its permissions.",
            failure);
  }

  /** Whether {@code failure} comes from the constraint violation {@code code}. */
  static boolean is(Throwable failure, SQLiteErrorCode code) {
    SQLiteException sqlite = find(failure, SQLiteException.class);
    return sqlite != null && sqlite.getResultCode() == code;
  }

  private static <X extends Throwable> @Nullable X find(Throwable failure, Class<X> type) {
    for (Throwable at = failure; at != null; at = at.getCause()) {
      if (type.isInstance(at)) {
        return type.cast(at);
      }
    }
    return null;
  }
}
