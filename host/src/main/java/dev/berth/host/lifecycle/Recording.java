package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.host.store.PluginRow;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is written to the registry while a worker starts, and put back where it doesn't. One
 * thread's.
 */
final class Recording {
  private static final Logger LOG = LoggerFactory.getLogger(Recording.class);

  private final Runnable write;
  private final Runnable undo;
  private final Executor background;
  private @Nullable CompletableFuture<Void> written;

  /**
   * @param write throws what the registry throws, and has written nothing then; {@code undo} too
   */
  Recording(Runnable write, Runnable undo, Executor background) {
    this.write = write;
    this.undo = undo;
    this.background = background;
  }

  void begin() {
    written = CompletableFuture.runAsync(write, background);
  }

  /**
   * Waits until it is written; begins it where that has not been done.
   *
   * @throws PluginException what the registry says; nothing is written then
   */
  void end() {
    CompletableFuture<Void> begun = written;
    if (begun == null) {
      write.run();
      written = CompletableFuture.completedFuture(null);
    } else {
      Await.whole(begun);
    }
  }

  /**
   * Undoes it.
   *
   * @param because why; what goes wrong here is added to it
   * @param before whose it is
   */
  void putBack(RuntimeException because, PluginRow before) {
    if (written == null) {
      return;
    }
    try {
      end();
    } catch (PluginException e) {
      if (e != because) {
        because.addSuppressed(e);
      }
      return; // It was never written.
    }
    try {
      undo.run();
    } catch (PluginException e) {
      LOG.error(
          "{} did not start, and the registry says that it is enabled, as it can't be written: {}."
              + " Mend that, then `berth disable {}`",
          LaunchPlan.label(before),
          e.getMessage(),
          before.id());
      because.addSuppressed(e);
    }
  }
}
