package dev.berth.sandbox;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** Whether this machine's kernel has Landlock, asked as the worker asks; containers share it. */
final class Landlock {
  private static final int SECONDS = 10;
  private static final String ASK =
      "import sys; sys.path.insert(1, sys.argv[1]); from berth_runtime import landlock;"
          + " print(landlock.version())";

  private Landlock() {}

  /**
   * Why workers can't have it; empty when they have.
   *
   * @param runtime the folder of the Python files
   */
  static String missing(Path python, Path runtime) {
    Process process;
    try {
      process =
          HostPython.program(python, "-c", ASK, runtime.toString())
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
    } catch (IOException e) {
      return "it is not known whether the kernel has it: " + e.getMessage();
    }
    try {
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        return "it is not known whether the kernel has it: " + python + " gave no answer";
      }
      return said.equals("0") ? "the kernel has no Landlock" : "";
    } catch (IOException e) {
      return "it is not known whether the kernel has it: " + e.getMessage();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return "interrupted while the kernel was asked";
    } finally {
      process.destroyForcibly();
    }
  }
}
