package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.cli.LocalOperations.ServeOptions;
import dev.berth.cli.LocalOperations.Served;
import java.util.concurrent.atomic.AtomicBoolean;

/** Runs a server in this process. */
final class Serving {
  private Serving() {}

  /** What is done with a server that is ready. */
  @FunctionalInterface
  interface Work {
    ExitCode with(Served served) throws InterruptedException;
  }

  /**
   * Starts a server, works with it and closes it. However this process is asked to end, it ends
   * only when the server has closed, so that no plugin is left behind, and {@code afterwards} has
   * run.
   */
  static ExitCode run(LocalOperations local, ServeOptions options, Work work, Runnable afterwards) {
    var ended = new AtomicBoolean();
    Served served;
    try {
      served = local.serve(options);
    } catch (RuntimeException e) {
      afterwards.run();
      // Nothing was asked of it yet but what the options say.
      throw e instanceof PluginException bad && bad.code() == ErrorCode.BAD_REQUEST
          ? ExitCode.usage(String.valueOf(bad.getMessage()))
          : e;
    }
    Runnable end =
        () -> {
          if (ended.compareAndSet(false, true)) {
            try {
              served.close();
            } finally {
              afterwards.run();
            }
          }
        };
    var hook = new Thread(end, "berth-stop");
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return work.with(served);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      return ExitCode.INTERRUPTED;
    } finally {
      end.run();
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException _) {
        // The process is ending: the hook is what ended the server.
      }
    }
  }
}
