package dev.berth.sandbox;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * Keeps what is made once for each key. Who asks for what is being made waits for it, and holds
 * nobody who asks for another. A failure is told to all who wait for it, and not kept.
 */
final class OncePerKey<V> {
  private final Map<String, CompletableFuture<V>> made = new ConcurrentHashMap<>();

  /** What there is for the key; made here and now where there is nothing yet. */
  V get(String key, Supplier<V> maker) {
    CompletableFuture<V> mine = new CompletableFuture<>();
    CompletableFuture<V> others = made.putIfAbsent(key, mine);
    if (others != null) {
      return join(others);
    }
    try {
      V value = maker.get();
      mine.complete(value);
      return value;
    } catch (RuntimeException | Error e) {
      made.remove(key, mine);
      mine.completeExceptionally(e);
      throw e;
    }
  }

  private static <V> V join(CompletableFuture<V> others) {
    try {
      return others.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof RuntimeException known) {
        throw known;
      }
      throw e;
    }
  }

  /** Has nothing for the key any more, unless it is being made. */
  void forget(String key) {
    var _ = made.computeIfPresent(key, (_, value) -> value.isDone() ? null : value);
  }
}
