package dev.berth.api;

import java.time.Duration;

/** How a sandbox ended. */
public sealed interface SandboxExit {
  /** By itself, with this exit status. */
  record Exited(int code) implements SandboxExit {}

  /** Killed by the host because it did not answer within this time. */
  record TimedOut(Duration after) implements SandboxExit {}

  /** Killed by the kernel at its memory limit, in bytes. */
  record OutOfMemory(long limitBytes) implements SandboxExit {}

  /** Killed by this signal. */
  record Killed(int signal) implements SandboxExit {}

  /** One clause for a message, e.g. {@code was killed by signal 11}. */
  default String describe() {
    return switch (this) {
      case Exited(int code) -> "exited with status " + code;
      case TimedOut(Duration after) -> "did not answer within " + after.toMillis() + " ms";
      case OutOfMemory(long limit) -> "went over its memory limit of " + (limit >> 20) + " MiB";
      case Killed(int signal) -> "was killed by signal " + signal;
    };
  }

  /** A stable word: {@code exit}, {@code timeout}, {@code oom} or {@code signal}. */
  default String reason() {
    return switch (this) {
      case Exited _ -> "exit";
      case TimedOut _ -> "timeout";
      case OutOfMemory _ -> "oom";
      case Killed _ -> "signal";
    };
  }
}
