package dev.berth.cli;

import java.nio.file.Path;
import java.util.Map;

/**
 * What a command works with.
 *
 * @param environment the variables of the process
 */
record Session(Terminal terminal, LocalOperations local, Map<String, String> environment) {
  static final String DEFAULT_URL = "http://127.0.0.1:8000";

  /** Where a server keeps its data when {@code given} is empty: BERTH_DATA, or here. */
  Path data(String given) {
    String data = given.isEmpty() ? environment.getOrDefault("BERTH_DATA", "") : given;
    return Path.of(data.isEmpty() ? ".berth/data" : data).toAbsolutePath().normalize();
  }
}
