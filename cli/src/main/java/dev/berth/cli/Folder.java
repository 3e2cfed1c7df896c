package dev.berth.cli;

import dev.berth.api.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipCompressorOutputStream;
import org.apache.commons.compress.compressors.gzip.GzipParameters;

/** Packs a plugin's folder as its author has it on disk. The same files give the same bytes. */
final class Folder {
  private static final Set<String> SKIPPED =
      Set.of(
          ".git",
          ".hg",
          ".venv",
          "venv",
          "__pycache__",
          ".pytest_cache",
          ".mypy_cache",
          ".ruff_cache",
          ".DS_Store",
          ".berth");

  private Folder() {}

  /**
   * Writes {@code folder} as a .tar.gz below one top folder.
   *
   * @throws dev.berth.api.PluginException when there is no plugin.yaml, or a link or special file
   */
  static void pack(Path folder, Path archive) {
    if (!Files.isRegularFile(folder.resolve("plugin.yaml"))) {
      throw ExitCode.REFUSED.failure(
          ErrorCode.MANIFEST_MISSING,
          folder + " has no plugin.yaml, so it is not a plugin's folder.");
    }
    String top = String.valueOf(folder.toAbsolutePath().normalize().getFileName());
    // A clock in the header would make two packings of the same files differ.
    var plain = new GzipParameters();
    plain.setModificationTime(0);
    try (var file = Files.newOutputStream(archive);
        var gzip = new GzipCompressorOutputStream(file, plain);
        var tar = new TarArchiveOutputStream(gzip, "UTF-8")) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_POSIX);
      tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_POSIX);
      tar.setAddPaxHeadersForNonAsciiNames(true);
      for (Path path : files(folder)) {
        var entry = new TarArchiveEntry(top + "/" + folder.relativize(path));
        entry.setSize(Files.size(path));
        entry.setModTime(0L);
        entry.setMode(0100644);
        tar.putArchiveEntry(entry);
        Files.copy(path, tar);
        tar.closeArchiveEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    List<Path> files = new ArrayList<>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path path, BasicFileAttributes attributes) {
            return !path.equals(folder) && skipped(path)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path path, BasicFileAttributes attributes) {
            if (skipped(path)) {
              return FileVisitResult.CONTINUE;
            }
            if (!Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
              throw ExitCode.REFUSED.failure(
                  ErrorCode.ARCHIVE_LINK_NOT_ALLOWED,
                  path + " is a link or a special file; a plugin holds plain files only.");
            }
            files.add(path);
            return FileVisitResult.CONTINUE;
          }
        });
    Collections.sort(files);
    return files;
  }

  private static boolean skipped(Path path) {
    String name = String.valueOf(path.getFileName());
    return SKIPPED.contains(name) || name.endsWith(".pyc");
  }
}
