package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the {@code berth} script of a release tells Java, played by a program that prints it. */
final class BerthScriptTest {
  private static final Path SCRIPT = Path.of("/usr/bin/script");

  @TempDir Path folder;

  @BeforeEach
  void release() throws IOException {
    Path root = Path.of("..").toAbsolutePath().normalize();
    for (String file : List.of("berth", ".jdk.sh")) {
      Files.copy(root.resolve(file), folder.resolve(file));
    }
    Files.createDirectories(folder.resolve("lib"));
    Path java = Files.createDirectories(folder.resolve("jdk/bin")).resolve("java");
    Files.writeString(folder.resolve("jdk/release"), "JAVA_VERSION=\"25.0.0\"\n");
    for (Path program : List.of(java, java.resolveSibling("javac"))) {
      Files.writeString(program, "#!/bin/sh\nprintf '%s\\n' \"$@\"\n");
      Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
  }

  private List<String> prints(String... command) throws IOException {
    var program = new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
    program.environment().put("JAVA_HOME", folder.resolve("jdk").toString());
    program.environment().remove("COLUMNS");
    Process process = program.start();
    process.getOutputStream().close();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
        .lines()
        .map(String::strip)
        .toList();
  }

  @Test
  void a_terminal_is_told_of_with_its_width() throws IOException {
    Assumptions.assumeTrue(Files.exists(SCRIPT), "needs script(1), which makes a terminal");
    assertThat(
            prints(SCRIPT.toString(), "-qec", "stty rows 30 cols 123; ./berth list", "/dev/null"))
        .contains("-Dberth.terminal=012", "-Dberth.columns=123", "list");
  }

  @Test
  void where_there_is_none_nothing_is_said_of_it() throws IOException {
    assertThat(prints("./berth", "list"))
        .contains("-Dberth.terminal=", "-Dberth.columns=", "dev.berth.dist.Main", "list");
  }
}
