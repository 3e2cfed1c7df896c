package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A Python that can run workers.
 *
 * @param executable the interpreter itself, links and version managers' shims resolved
 * @param major 3
 * @param minor 9 or more
 * @param micro the third part of the version
 */
public record PythonInterpreter(Path executable, int major, int minor, int micro) {
  private static final String ASK =
      "import os, sys; print(os.path.realpath(sys.executable), *sys.version_info[:3],"
          + " sys.implementation.name, sep='\\n')";
  private static final int OLDEST_MINOR = 9;

  /**
   * Asks an interpreter who it is.
   *
   * @param command looked up on PATH, or a path
   * @throws PluginException {@code sandbox_unavailable} when there is none, it doesn't answer or is
   *     older than 3.9
   */
  public static PythonInterpreter find(String command) {
    List<String> answer = ask(command);
    if (answer.size() != 5) {
      throw unavailable(command, "it gave no version", null);
    }
    PythonInterpreter found =
        new PythonInterpreter(
            Path.of(answer.get(0)),
            Integer.parseInt(answer.get(1)),
            Integer.parseInt(answer.get(2)),
            Integer.parseInt(answer.get(3)));
    if (found.major != 3 || found.minor < OLDEST_MINOR || !answer.get(4).equals("cpython")) {
      throw unavailable(command, "it is " + answer.get(4) + " " + found.version(), null);
    }
    return found;
  }

  /** The version, e.g. {@code 3.11.7}. */
  public String version() {
    return major + "." + minor + "." + micro;
  }

  private static List<String> ask(String command) {
    Process process;
    try {
      process =
          new ProcessBuilder(command, "-I", "-S", "-c", ASK)
              .redirectErrorStream(true)
              .redirectInput(ProcessBuilder.Redirect.from(new java.io.File("/dev/null")))
              .start();
    } catch (IOException e) {
      throw unavailable(command, String.valueOf(e.getMessage()), e);
    }
    try (var out = process.getInputStream()) {
      String text = new String(out.readNBytes(65536), StandardCharsets.UTF_8);
      if (!process.waitFor(10, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw unavailable(command, "it said: " + text.strip(), null);
      }
      return text.lines().toList();
    } catch (IOException e) {
      throw unavailable(command, String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable(command, "interrupted while asking its version", e);
    } finally {
      process.destroyForcibly();
    }
  }

  private static PluginException unavailable(
      String command, String why, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        "Plugins need CPython 3.9 or later, but '"
            + command
            + "' won't do: "
            + why
            + ". Install python3, or name another interpreter in the settings.",
        cause);
  }
}
