package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Holds {@code <data>/berth.lock}: one host per data folder. The kernel frees it if we die. */
final class DataLock implements AutoCloseable {
  // A POSIX lock belongs to the process and goes with the first close of the file, whoever opened
  // it (fcntl(2)): a second try in this process must not even open it.
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path key;
  private final FileChannel channel;

  private DataLock(Path key, FileChannel channel) {
    this.key = key;
    this.channel = channel;
  }

  static DataLock take(Path dataDir) throws IOException {
    Path key = dataDir.toRealPath();
    Path file = key.resolve("berth.lock");
    if (!HELD.add(key)) {
      throw inUse(key, String.valueOf(ProcessHandle.current().pid()));
    }
    FileChannel channel = null;
    boolean taken = false;
    try {
      channel =
          FileChannel.open(
              file,
              Set.of(StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      if (channel.tryLock() == null) {
        throw inUse(key, Files.readString(file, StandardCharsets.US_ASCII).strip());
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
      taken = true;
      return new DataLock(key, channel);
    } finally {
      if (!taken) {
        release(key, channel);
      }
    }
  }

  private static PluginException inUse(Path dataDir, String pid) {
    return new PluginException(
        ErrorCode.STORE_UNAVAILABLE,
        "Another Berth host (process "
            + (pid.isEmpty() ? "unknown" : pid)
            + ") has the data folder "
            + dataDir
            + " open. Stop it, or choose another folder with --data.");
  }

  private static void release(Path key, @Nullable FileChannel channel) throws IOException {
    try {
      if (channel != null) {
        channel.close();
      }
    } finally {
      HELD.remove(key);
    }
  }

  /** The file stays: removing it would let two hosts lock two files of one name. */
  @Override
  public void close() {
    try {
      release(key, channel);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
