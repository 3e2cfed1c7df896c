package dev.berth.host.lifecycle;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts the calls inside a worker and can be closed to new ones. A call that got in is known to
 * whoever closes, so none falls between two workers when one takes over from the other.
 */
final class Gate {
  /** The sign bit: closed. The other bits count who is inside. */
  private static final int CLOSED = Integer.MIN_VALUE;

  private final AtomicInteger state = new AtomicInteger();
  private final CompletableFuture<Void> empty = new CompletableFuture<>();

  /** Whether the caller is in and must {@link #exit()}. */
  boolean enter() {
    if (state.incrementAndGet() > 0) {
      return true;
    }
    exit();
    return false;
  }

  void exit() {
    if (state.decrementAndGet() == CLOSED) {
      empty.complete(null);
    }
  }

  /** Lets nobody in any more. */
  void close() {
    if ((state.getAndUpdate(now -> now | CLOSED) & ~CLOSED) == 0) {
      empty.complete(null);
    }
  }

  boolean isOpen() {
    return state.get() >= 0;
  }

  int inside() {
    return state.get() & ~CLOSED;
  }

  /** Completed once it is closed and nobody is inside. */
  CompletableFuture<Void> whenEmpty() {
    return empty;
  }
}
