package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Waits for what completes elsewhere. */
final class Await {
  private Await() {}

  /**
   * The value.
   *
   * @throws PluginException the future's own failure; {@code late} after {@code limit}; {@code
   *     cancelled} when the thread is interrupted
   */
  static <T> T value(CompletableFuture<T> future, Duration limit, PluginException late) {
    try {
      return future.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw failure(e.getCause());
    } catch (CancellationException e) {
      throw new PluginException(ErrorCode.CANCELLED, "It was cancelled.", e);
    } catch (TimeoutException _) {
      throw late;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PluginException(ErrorCode.CANCELLED, "It was interrupted.", e);
    }
  }

  /**
   * Waits for it as long as it takes; an interrupt changes nothing.
   *
   * @throws PluginException the future's own failure
   */
  static void whole(CompletableFuture<Void> future) {
    try {
      future.join();
    } catch (CompletionException e) {
      throw failure(e.getCause());
    }
  }

  private static PluginException failure(@Nullable Throwable cause) {
    return cause instanceof PluginException known
        ? known
        : new PluginException(ErrorCode.INTERNAL, String.valueOf(cause), cause);
  }

  /**
   * Whether it was done, well or badly, within {@code limit}. An interrupt doesn't shorten the
   * wait: this is for clean-up, which must not be left half done.
   */
  static boolean done(CompletableFuture<?> future, Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    boolean interrupted = false;
    try {
      while (true) {
        try {
          Object _ = future.get(Math.max(0, end - System.nanoTime()), TimeUnit.NANOSECONDS);
          return true;
        } catch (ExecutionException | CancellationException _) {
          return true;
        } catch (TimeoutException _) {
          return false;
        } catch (InterruptedException _) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
