package dev.berth.host.install;

import dev.berth.api.InstallProgress;
import dev.berth.sandbox.PythonInterpreter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Run as a process of its own: prepares one requirement from an index. */
final class PrepareDependencies {
  private PrepareDependencies() {}

  /**
   * @param arguments data folder, requirement, then the environment as {@code KEY=value}
   */
  public static void main(String[] arguments) {
    var environment = new java.util.HashMap<String, String>();
    for (String pair : List.of(arguments).subList(2, arguments.length)) {
      int equals = pair.indexOf('=');
      environment.put(pair.substring(0, equals), pair.substring(equals + 1));
    }
    new DependencyStore(
            Path.of(arguments[0]),
            PythonInterpreter.find(),
            Map.copyOf(environment),
            Duration.ofMinutes(5))
        .prepare(List.of(arguments[1]), InstallProgress.NONE);
  }
}
