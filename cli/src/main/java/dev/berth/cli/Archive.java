package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.cli.RestClient.Body;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What somebody wants installed: a file, a folder that is packed for it, or an address that the
 * server is to fetch.
 */
record Archive(String given, @Nullable Path file, boolean temporary) implements AutoCloseable {
  static Archive of(String given) {
    if (given.startsWith("https://") || given.startsWith("http://")) {
      return new Archive(given, null, false);
    }
    Path path = Path.of(given);
    if (Files.isDirectory(path)) {
      try {
        String name = String.valueOf(path.toAbsolutePath().normalize().getFileName());
        Path folder = Files.createTempDirectory("berth-");
        Path packed = folder.resolve(name + ".tar.gz");
        var archive = new Archive(given, packed, true);
        try {
          Folder.pack(path, packed);
        } catch (RuntimeException e) {
          archive.close();
          throw e;
        }
        return archive;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    if (!Files.isRegularFile(path) || !Files.isReadable(path)) {
      throw ExitCode.NOT_FOUND.failure(
          ErrorCode.NOT_FOUND,
          Files.exists(path)
              ? path + " can't be read."
              : "There is no file or folder " + path + ".");
    }
    return new Archive(given, path, false);
  }

  /** What is sent to the server. */
  Body body(@Nullable String settings) {
    if (file != null) {
      return Upload.form(file, settings);
    }
    return Body.json(
        "{\"url\":"
            + JsonText.quote(given)
            + (settings == null ? "}" : ",\"config\":" + settings + "}"));
  }

  @Override
  public void close() {
    if (temporary && file != null) {
      try {
        Files.deleteIfExists(file);
        Files.deleteIfExists(file.resolveSibling(".").normalize());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
