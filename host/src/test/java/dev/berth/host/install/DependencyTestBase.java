package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** An index of our own, and stores that use it. */
abstract class DependencyTestBase {
  static final Duration LONG = Duration.ofMinutes(3);

  @TempDir Path dir;
  Path data;
  Path home;
  Wheels wheels;

  @BeforeEach
  void prepare() throws IOException {
    data = dir.resolve("data");
    home = Files.createDirectories(dir.resolve("home"));
    wheels = new Wheels(dir.resolve("wheels"));
  }

  final DependencyStore store(Map<String, String> environment) {
    return new DependencyStore(data, Tool.PYTHON, environment, LONG);
  }

  final DependencyStore store(Tool tool) throws Exception {
    return store(tool.from(wheels.folder(), home));
  }

  final PluginException refused(DependencyStore store, String... requirements) {
    try {
      String lock = store.prepare(List.of(requirements), InstallProgress.NONE);
      throw new AssertionError("prepared " + lock);
    } catch (PluginException e) {
      assertNothingLeft();
      return e;
    }
  }

  final void assertNothingLeft() {
    String[] left = data.resolve("site").toFile().list();
    assertThat(left == null ? new String[0] : left).isEmpty();
  }

  final String python(DependencyStore store, String lock, String code) throws Exception {
    return Tool.python(
        Map.of(),
        "-I",
        "-S",
        "-c",
        "import sys; sys.path.insert(0, " + quoted(store.directory(lock)) + "); " + code);
  }

  static String quoted(Path path) {
    return "'" + path.toString().replace("'", "\\'") + "'";
  }

  /** Processes that work below this test's data folder. */
  final List<Long> running() throws IOException {
    var found = new ArrayList<Long>();
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      for (Path process : processes.toList()) {
        Path cwd = process.resolve("cwd");
        if (process.getFileName().toString().matches("\\d+")
            && Files.exists(cwd, LinkOption.NOFOLLOW_LINKS)) {
          long pid = Long.parseLong(process.getFileName().toString());
          try {
            if (Files.readSymbolicLink(cwd).startsWith(data)) {
              found.add(pid);
            }
          } catch (IOException e) {
            found.remove(pid); // It has just ended.
          }
        }
      }
    }
    return found;
  }
}
