package dev.berth.api;

import java.net.URI;
import java.nio.file.Path;

/** Where a plugin comes from. */
public sealed interface InstallSource {
  /**
   * An archive on this machine: .tar.gz, .tgz or .zip.
   *
   * @param path where its bytes are
   * @param fileName the name it was given, whose ending says its format
   */
  record Archive(Path path, String fileName) implements InstallSource {
    public Archive(Path path) {
      this(path, String.valueOf(path.getFileName()));
    }
  }

  /** An archive to fetch. */
  record Url(URI uri) implements InstallSource {}

  /** A catalogue entry; {@code version} is a range such as {@code ^1.2}. */
  record Marketplace(String name, String version) implements InstallSource {}
}
