package dev.berth.host.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

/**
 * Where SQLite's driver unpacks its native part: into {@code <data>/lib}, not the system's
 * temporary folder. That one may be mounted noexec, and a host that is killed leaves its copy there
 * for good.
 */
final class NativeLibrary {
  private static final String PROPERTY = "org.sqlite.tmpdir";

  private NativeLibrary() {}

  /** Removes copies of hosts that have ended; call it while holding the lock of {@code dataDir}. */
  static void unpackBelow(Path dataDir) throws IOException {
    Path folder = dataDir.resolve("lib").toAbsolutePath();
    Files.createDirectories(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    List<Path> old;
    try (Stream<Path> files = Files.list(folder)) {
      old = files.filter(file -> file.getFileName().toString().startsWith("sqlite-")).toList();
    }
    for (Path file : old) {
      // One that this process has loaded stays loaded.
      Files.deleteIfExists(file);
    }
    if (System.getProperty(PROPERTY) == null) {
      System.setProperty(PROPERTY, folder.toString());
    }
  }
}
