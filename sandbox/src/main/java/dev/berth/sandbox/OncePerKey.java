package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Keeps what is made once for each key. Who asks for what is being made waits for it, and holds
 * nobody who asks for another. A failure is told to all who wait for it, and not kept.
 *
 * <p>The making belongs to none of them: it goes on, whoever stops waiting, and is interrupted a
 * moment after the last of them has. Until then somebody else may take up the wait.
 */
final class OncePerKey<V> {
  private final Duration moment;
  private final Map<String, Making> made = new HashMap<>(); // guarded by this

  OncePerKey() {
    this(Duration.ofSeconds(1));
  }

  /**
   * @param moment how long something is being made for nobody
   */
  OncePerKey(Duration moment) {
    this.moment = moment;
  }

  /** What is made, or is being made. */
  private final class Making implements Runnable {
    final String key;
    final CompletableFuture<V> value = new CompletableFuture<>();
    final Thread thread = Thread.ofVirtual().name("berth-once").unstarted(this);
    private final Supplier<V> maker;
    int waiting; // guarded by the OncePerKey

    Making(String key, Supplier<V> maker) {
      this.key = key;
      this.maker = maker;
    }

    /** The lock of the OncePerKey is held. */
    boolean isForNobody() {
      return waiting == 0 && !value.isDone();
    }

    @Override
    public void run() {
      try {
        value.complete(maker.get());
      } catch (RuntimeException | Error e) {
        drop(this); // First: who is told of it may ask again at once.
        value.completeExceptionally(e);
      }
    }
  }

  /**
   * What there is for the key; made now where there is nothing yet.
   *
   * @throws PluginException {@code cancelled} when this thread is interrupted
   */
  V get(String key, Supplier<V> maker) {
    Making making = enter(key, maker);
    try {
      return making.value.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof Error error) {
        throw error;
      }
      throw e.getCause() instanceof RuntimeException known ? known : new IllegalStateException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PluginException(ErrorCode.CANCELLED, "Nobody waits for " + key + " here.", e);
    } finally {
      leave(making);
    }
  }

  private synchronized Making enter(String key, Supplier<V> maker) {
    Making making = made.get(key);
    if (making == null) {
      making = new Making(key, maker);
      made.put(key, making);
      making.thread.start();
    }
    making.waiting++;
    return making;
  }

  private synchronized void leave(Making making) {
    making.waiting--;
    if (making.isForNobody()) {
      CompletableFuture.delayedExecutor(
              moment.toMillis(), TimeUnit.MILLISECONDS, Thread::startVirtualThread)
          .execute(() -> endForNobody(making));
    }
  }

  private synchronized void endForNobody(Making making) {
    if (making.isForNobody()) {
      drop(making);
      making.thread.interrupt();
    }
  }

  /** Who asks from now on has it made anew. */
  private synchronized void drop(Making making) {
    var _ = made.remove(making.key, making);
  }

  /** What is there for the key; null also while it is being made. */
  synchronized @Nullable V made(String key) {
    Making making = made.get(key);
    return making != null && making.value.isDone() ? making.value.resultNow() : null;
  }

  /** Has nothing for the key any more, unless it is being made. */
  synchronized void forget(String key) {
    if (made(key) != null) {
      made.remove(key);
    }
  }
}
