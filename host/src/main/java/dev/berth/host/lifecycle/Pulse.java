package dev.berth.host.lifecycle;

import java.time.Duration;
import java.util.function.LongSupplier;

/**
 * Knows whether the host itself stood still: stopped, starved of CPU, in a long collection. Whoever
 * judges a plugin by a time that has passed asks here first whether the host could have noticed an
 * answer at all.
 */
final class Pulse {
  static final Duration EVERY = Duration.ofMillis(500);

  /** How late a beat may be before it says that the host stood still. */
  private static final long TOLERATED_NANOS = EVERY.toNanos() + 750_000_000L;

  private final LongSupplier clock;
  private long lastBeat;
  private long lastStandstill;
  private boolean stoodStill;

  Pulse(LongSupplier clock) {
    this.clock = clock;
    this.lastBeat = clock.getAsLong();
  }

  /** To be called every {@link #EVERY}. */
  synchronized void beat() {
    long now = clock.getAsLong();
    if (now - lastBeat > TOLERATED_NANOS) {
      lastStandstill = now;
      stoodStill = true;
    }
    lastBeat = now;
  }

  /** Whether the host stood still at some time after {@code nanoTime}. */
  synchronized boolean stoodStillSince(long nanoTime) {
    return clock.getAsLong() - lastBeat > TOLERATED_NANOS
        || (stoodStill && lastStandstill - nanoTime > 0);
  }
}
