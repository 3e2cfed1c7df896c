package dev.berth.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/** A folder for one run. */
record ScratchFolder(Path path, boolean temporary) {
  /** A new folder, gone when this is closed. */
  static ScratchFolder under(Path parent) {
    try {
      Files.createDirectories(parent);
      return new ScratchFolder(
          Files.createTempDirectory(parent.toAbsolutePath().normalize(), ""), true);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Somebody's own folder, which stays. */
  static ScratchFolder existing(Path path) {
    return new ScratchFolder(path.toAbsolutePath().normalize(), false);
  }

  /** Removes it, where it is temporary. */
  void close() {
    if (!temporary) {
      return;
    }
    try {
      // Links are not followed; what lies read-only inside is made writable to be removed.
      Files.walkFileTree(
          path,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path folder, BasicFileAttributes attributes)
                throws IOException {
              Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx------"));
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path folder, @Nullable IOException failure)
                throws IOException {
              if (failure != null) {
                throw failure;
              }
              Files.delete(folder);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
