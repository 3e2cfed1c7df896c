package dev.berth.host.store;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/** Replaces a file as a whole: whenever the power goes, it has the old content or the new. */
public final class AtomicFile {
  private AtomicFile() {}

  /** Writes {@code content} to {@code file}, readable by its owner alone. */
  public static void write(Path file, byte[] content) throws IOException {
    Path folder = file.toAbsolutePath().getParent();
    Path temporary = temporary(file);
    Files.deleteIfExists(temporary);
    try {
      try (FileChannel out =
          FileChannel.open(
              temporary,
              Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
              PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
        ByteBuffer rest = ByteBuffer.wrap(content);
        while (rest.hasRemaining()) {
          out.write(rest);
        }
        out.force(true);
      }
      Files.move(
          temporary, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      Files.deleteIfExists(temporary);
      throw e;
    }
    try (FileChannel directory = FileChannel.open(folder)) {
      directory.force(true);
    }
  }

  /** Deletes {@code file}, and what a write that was cut short left beside it. */
  public static void delete(Path file) throws IOException {
    Files.deleteIfExists(file);
    Files.deleteIfExists(temporary(file));
  }

  private static Path temporary(Path file) {
    return file.resolveSibling(file.getFileName() + ".new");
  }
}
