package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** {@code <data>/run}: what exists while a host runs. Only the host's user may enter it. */
final class RunFolder implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(RunFolder.class);

  private final Path path;
  private final FileChannel lock;

  private RunFolder(Path path, FileChannel lock) {
    this.path = path;
    this.lock = lock;
  }

  /**
   * Takes the folder for this host alone and clears it of a dead host's sockets.
   *
   * @throws PluginException {@code sandbox_unavailable} when another host has it
   */
  static RunFolder open(Path data) throws IOException {
    Path path = Files.createDirectories(data.resolve("run"));
    Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
    RunFolder folder = new RunFolder(path, lock(path));
    try (Stream<Path> files = Files.list(path)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".sock")).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      folder.close();
      throw e;
    }
    return folder;
  }

  private static FileChannel lock(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(path.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      if (channel.tryLock() != null) {
        return channel;
      }
    } catch (OverlappingFileLockException e) {
      log.debug("The lock is held by this very program", e);
    }
    channel.close();
    throw new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        "Another Berth uses " + path.getParent() + ". Stop it, or use another data folder.");
  }

  Path path() {
    return path;
  }

  /** Where the launcher mounts the workers' file tree, in a mount namespace of its own. */
  Path root() throws IOException {
    return Files.createDirectories(path.resolve("root"));
  }

  /** Where the launcher mounts plugins' file systems, in that namespace. */
  Path volumes() throws IOException {
    Path volumes = Files.createDirectories(path.resolve("volumes"));
    try (Stream<Path> left = Files.list(volumes)) {
      for (Path point : left.toList()) {
        // Of a dead host; empty, for its mounts went with it. Its launcher may be removing them,
        // too.
        Files.deleteIfExists(point);
      }
    }
    return volumes;
  }

  /** Where plugins' folders are mounted for an engine to see, while it makes a container. */
  Path placed() {
    return path.resolve("placed");
  }

  /** Where it is noted what builds of images have made. */
  Path builds() {
    return path.resolve("builds");
  }

  /** Names this data folder's control groups, so that a later host finds what a dead one left. */
  String installation() throws IOException {
    Path file = path.resolve("installation");
    if (!Files.exists(file)) {
      byte[] id = new byte[6];
      new SecureRandom().nextBytes(id);
      Files.writeString(file, HexFormat.of().formatHex(id));
    }
    String id = Files.readString(file).strip();
    if (!id.matches("[0-9a-f]{12}")) {
      throw new IOException(file + " holds no installation id; delete it");
    }
    return id;
  }

  @Override
  public void close() {
    try {
      lock.close();
    } catch (IOException e) {
      log.debug("The lock did not close cleanly", e);
    }
  }
}
