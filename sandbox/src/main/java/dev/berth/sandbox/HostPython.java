package dev.berth.sandbox;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Our own programs in this machine's Python, which takes nothing from its surroundings. */
final class HostPython {
  private static final Logger log = LoggerFactory.getLogger(HostPython.class);

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

  /** Writes what a program says on its standard error to our log, by its name, from now on. */
  static void log(Process started, String name) {
    Thread.ofPlatform()
        .daemon()
        .name("berth-" + name + "-log")
        .start(() -> {
          try (BufferedReader err = started.errorReader(StandardCharsets.UTF_8)) {
            for (String line = err.readLine(); line != null; line = err.readLine()) {
              log.warn("{}: {}", name, line);
            }
          } catch (IOException e) {
            log.debug("The log of the {} ended: {}", name, e.toString());
          }
        });
  }
}
