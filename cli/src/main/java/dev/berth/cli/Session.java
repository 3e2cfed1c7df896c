package dev.berth.cli;

import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Map;

/**
 * What a command works with.
 *
 * @param environment the variables of the process
 */
record Session(Terminal terminal, LocalOperations local, Map<String, String> environment) {
  static final String DEFAULT_URL = "http://127.0.0.1:8000";

  /**
   * Where a server keeps its data when {@code given} is empty: BERTH_DATA, or here.
   *
   * @throws dev.berth.api.PluginException a usage error, where no folder is there or can be made
   */
  Path data(String given) {
    String data = given.isEmpty() ? environment.getOrDefault("BERTH_DATA", "") : given;
    return folder(Path.of(data.isEmpty() ? ".berth/data" : data).toAbsolutePath().normalize());
  }

  /** What is not there yet is fine, below a folder. */
  private static Path folder(Path data) {
    Path there = data;
    while (there.getParent() != null && !Files.exists(there, LinkOption.NOFOLLOW_LINKS)) {
      there = there.getParent();
    }
    if (!Files.isDirectory(there)) {
      throw ExitCode.usage(
          "The data can't be kept in "
              + data
              + ": "
              + (there.equals(data) ? "that" : there)
              + (Files.isRegularFile(there) ? " is a file" : " is not a folder")
              + ". Name a folder with --data or BERTH_DATA; one that isn't there is made.");
    }
    return data;
  }
}
