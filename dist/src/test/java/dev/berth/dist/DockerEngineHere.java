package dev.berth.dist;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JacksonException;

/** Whether there is an engine with the test image; for {@code @EnabledIf}. */
final class DockerEngineHere {
  /** A small image with a Python, which ./verify makes. */
  static final String IMAGE =
      System.getenv().getOrDefault("BERTH_TEST_IMAGE", "berth-test-python:1");

  /** One whose Python is of another minor version than that one's and the host's. */
  static final String OTHER_IMAGE =
      System.getenv().getOrDefault("BERTH_TEST_OTHER_IMAGE", "berth-test-other-python:1");

  private static final boolean AVAILABLE = has(IMAGE);

  private DockerEngineHere() {}

  static boolean available() {
    return AVAILABLE;
  }

  static boolean hasRuntime(String name) {
    try {
      Process process =
          new ProcessBuilder("docker", "info", "--format", "{{json .Runtimes}}")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return RunningBerth.JSON.readTree(process.getInputStream()).has(name);
    } catch (IOException | JacksonException e) {
      return false;
    }
  }

  /** Whether the engine has an image. */
  static boolean has(String image) {
    return run("docker", "image", "inspect", image);
  }

  /** What {@code docker} answers, without blanks around it. */
  static String says(String... arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
  }

  static boolean run(String... command) {
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return process.waitFor(30, TimeUnit.SECONDS) && process.exitValue() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
