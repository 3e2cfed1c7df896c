package dev.berth.api;

import java.time.Instant;

/** What a plugin's worker process is seen to do; in memory only. */
public sealed interface WorkerState {
  /** No process. */
  record Stopped() implements WorkerState {}

  /** Being launched, or waiting out a back-off. */
  record Starting() implements WorkerState {}

  /** Answering calls since then. */
  record Running(Instant since) implements WorkerState {}

  /** Finishing the calls it has; takes no new one. */
  record Draining() implements WorkerState {}

  /** Gone without being asked to. */
  record Crashed(SandboxExit exit) implements WorkerState {}

  /** {@code stopped}, {@code starting}, {@code running}, {@code draining} or {@code crashed}. */
  default String status() {
    return switch (this) {
      case Stopped _ -> "stopped";
      case Starting _ -> "starting";
      case Running _ -> "running";
      case Draining _ -> "draining";
      case Crashed _ -> "crashed";
    };
  }
}
