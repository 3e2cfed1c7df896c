package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.cli.LocalOperations.ServeOptions;
import dev.berth.cli.LocalOperations.Served;
import java.net.BindException;

/** Runs a server in this process. */
final class Serving {
  private Serving() {}

  /** Starts one. A port in use gets a message of its own, however deep the cause is. */
  static Served start(LocalOperations local, ServeOptions options) {
    try {
      return local.serve(options);
    } catch (RuntimeException e) {
      for (Throwable cause = e; cause != null; cause = cause.getCause()) {
        if (cause instanceof BindException) {
          throw ExitCode.FAILED.failure(
              ErrorCode.BAD_REQUEST,
              "Berth can't listen on %s port %d: %s. Stop what uses it, or choose another with --port."
                  .formatted(options.host(), options.port(), cause.getMessage()));
        }
      }
      throw e;
    }
  }

  /**
   * Waits until the server stops, or Ctrl-C stops it: the process then ends only when the server
   * has closed, so that no plugin is left behind.
   */
  static ExitCode untilStopped(Served served) {
    Thread closer = new Thread(served::close, "berth-stop");
    Runtime.getRuntime().addShutdownHook(closer);
    try {
      served.await();
      return ExitCode.OK;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return ExitCode.INTERRUPTED;
    } finally {
      try {
        Runtime.getRuntime().removeShutdownHook(closer);
      } catch (IllegalStateException _) {
        // The process is ending, which is why the hook may run.
      }
    }
  }
}
