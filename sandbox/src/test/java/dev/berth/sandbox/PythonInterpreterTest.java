package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PythonInterpreterTest {
  @TempDir Path dir;

  private Path script(String name, String content) throws IOException {
    Path file = Files.writeString(dir.resolve(name), content);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
  }

  @Test
  void the_default_is_a_real_file_of_a_new_enough_python() throws Exception {
    PythonInterpreter python = PythonInterpreter.find();
    assertThat(python.executable().toRealPath()).isEqualTo(python.executable());
    assertThat(python.version()).matches("3\\.(9|[1-9]\\d)\\.\\d+.*");
    assertThat(python.abi()).matches("[a-z0-9_-]+").contains("3");
    assertThat(PythonInterpreter.probe(python.executable())).isEqualTo(python);
  }

  @Test
  void launchers_and_links_are_followed_to_the_interpreter() throws Exception {
    PythonInterpreter python = PythonInterpreter.find();
    Path launcher = script("python3", "#!/bin/sh\nexec '" + python.executable() + "' \"$@\"\n");
    assertThat(PythonInterpreter.probe(launcher)).isEqualTo(python);
    Path link = Files.createSymbolicLink(dir.resolve("link"), python.executable());
    assertThat(PythonInterpreter.probe(link)).isEqualTo(python);
    Files.delete(link);
    assertThat(PythonInterpreter.find(Map.of("PATH", "relative::" + dir))).isEqualTo(python);
  }

  @Test
  void what_is_too_old_or_no_python_is_refused_and_passed_over() throws Exception {
    assertRefused(
        script("python3.12", "#!/bin/sh\necho berth cpython 3 8 18; echo .so; echo /bin/sh\n"),
        "is Python 3.8.18; plugins need Python 3.9 or newer.");
    assertRefused(script("python3.11", "#!/bin/sh\necho hello\n"), "does not answer as a Python");
    assertRefused(script("python3.10", "#!/bin/sh\nexit 127\n"), "does not answer as a Python");
    assertRefused(dir.resolve("absent"), "does not run");
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> PythonInterpreter.find(Map.of("PATH", dir.toString())))
        .withMessageStartingWith("No Python 3.9 or newer is on the PATH.")
        .withMessageContaining("is Python 3.8.18")
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE));
    PythonInterpreter python = PythonInterpreter.find();
    script("python3.9", "#!/bin/sh\nexec '" + python.executable() + "' \"$@\"\n");
    assertThat(PythonInterpreter.find(Map.of("PATH", dir.toString()))).isEqualTo(python);
  }

  @Test
  void where_python3_is_none_the_newest_version_is_found_whichever_it_is() throws Exception {
    for (int minor : new int[] {9, 13, 14, 31}) {
      script(
          "python3." + minor,
          "#!/bin/sh\necho berth cpython 3 " + minor + " 1; echo .so; echo /bin/sh\n");
    }
    script("python3", "#!/bin/sh\nexit 127\n");
    script("python3.99-config", "#!/bin/sh\necho berth cpython 3 99 1; echo .so; echo /bin/sh\n");
    Map<String, String> path = Map.of("PATH", dir.resolve("absent") + ":" + dir);
    assertThat(PythonInterpreter.find(path).version()).isEqualTo("3.31.1");
    Files.delete(dir.resolve("python3.31"));
    assertThat(PythonInterpreter.find(path).version()).isEqualTo("3.14.1");
    PythonInterpreter python = PythonInterpreter.find();
    script("python3", "#!/bin/sh\nexec '" + python.executable() + "' \"$@\"\n");
    assertThat(PythonInterpreter.find(path)).as("python3 comes first").isEqualTo(python);
  }

  private static void assertRefused(Path python, String why) {
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> PythonInterpreter.probe(python))
        .withMessageStartingWith(python + " ")
        .withMessageContaining(why)
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE));
  }
}
