package dev.berth.dist;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Waits for what nobody tells of, by looking again and again with a pause. */
final class Eventually {
  private static final Duration SOON = Duration.ofSeconds(30);
  private static final long PAUSE_MILLIS = 20;

  private Eventually() {}

  static void is(String what, BooleanSupplier condition) {
    is(what, SOON, condition);
  }

  static void is(String what, Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + limit.toSeconds() + " s: " + what);
      }
      try {
        Thread.sleep(PAUSE_MILLIS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }
}
