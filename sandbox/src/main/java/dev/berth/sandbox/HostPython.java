package dev.berth.sandbox;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Our own programs in this machine's Python, which takes nothing from its surroundings. */
final class HostPython {
  private HostPython() {}

  /**
   * A program to be started, with an empty environment.
   *
   * @param arguments a file or folder to run, or {@code -c} and code; then what it gets
   */
  static ProcessBuilder program(Path python, String... arguments) {
    List<String> command = new ArrayList<>(List.of(python.toString(), "-I", "-S", "-X", "utf8"));
    command.addAll(List.of(arguments));
    var builder = new ProcessBuilder(command);
    builder.environment().clear();
    return builder;
  }
}
