package dev.berth.host.lifecycle;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Counts who is inside, a worker's calls or a host's operations, and can be shut to new ones, for a
 * while or for good. A call that got in is known to whoever closes, so none falls between two
 * workers when one takes over from the other.
 */
final class Gate {
  /** The sign bit: shut. The lower 30 bits count who is inside. */
  private static final int SHUT = Integer.MIN_VALUE;

  /** Shut for good. */
  private static final int CLOSED = SHUT | 1 << 30;

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

  /** Lets nobody in until {@link #resume}. */
  void pause() {
    state.getAndUpdate(now -> now | SHUT);
  }

  /** Ends a pause; a closed gate stays closed. */
  void resume() {
    state.getAndUpdate(now -> (now & CLOSED) == SHUT ? now & ~SHUT : now);
  }

  /** Lets nobody in any more. */
  void close() {
    if ((state.getAndUpdate(now -> now | CLOSED) & ~CLOSED) == 0) {
      empty.complete(null);
    }
  }

  boolean isClosed() {
    return (state.get() & CLOSED) == CLOSED;
  }

  /** Whether it lets calls in now. */
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
