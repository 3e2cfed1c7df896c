package dev.berth.host.lifecycle;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.LongSupplier;

/** Counts a plugin's calls and how long they took, at a few nanoseconds a call. */
final class CallStats {
  private static final long WINDOW_NANOS = 30_000_000_000L;

  private final LongSupplier clock;
  private final LongAdder calls = new LongAdder();
  private final LongAdder errors = new LongAdder();
  private final AtomicInteger restarts = new AtomicInteger();
  private volatile Windows windows;

  /** The histogram of this half minute and of the one before. */
  private record Windows(long number, Histogram current, Histogram previous) {}

  /**
   * @param clock as {@link System#nanoTime()}
   */
  CallStats(LongSupplier clock) {
    this.clock = clock;
    this.windows = new Windows(number(clock.getAsLong()), new Histogram(), new Histogram());
  }

  void ended(long nanos, boolean failed) {
    calls.increment();
    if (failed) {
      errors.increment();
    }
    turned().current().add(nanos / 1000);
  }

  void restarted() {
    restarts.incrementAndGet();
  }

  /** Starts from nothing; the plugin was enabled anew. */
  void reset() {
    calls.reset();
    errors.reset();
    restarts.set(0);
    windows = new Windows(number(clock.getAsLong()), new Histogram(), new Histogram());
  }

  long calls() {
    return calls.sum();
  }

  long errors() {
    return errors.sum();
  }

  int restarts() {
    return restarts.get();
  }

  /**
   * How long calls of the last half to whole minute took, in milliseconds; 0 without calls.
   *
   * @param share e.g. 0.99
   */
  double percentileMillis(double share) {
    Windows now = turned();
    return Histogram.percentile(share, now.current(), now.previous()) / 1000.0;
  }

  private Windows turned() {
    Windows seen = windows;
    long number = number(clock.getAsLong());
    return number == seen.number() ? seen : turn(number);
  }

  private synchronized Windows turn(long number) {
    Windows seen = windows;
    long passed = number - seen.number();
    if (passed > 0) {
      seen = new Windows(number, new Histogram(), passed == 1 ? seen.current() : new Histogram());
      windows = seen;
    }
    return seen;
  }

  private static long number(long nanos) {
    return Math.floorDiv(nanos, WINDOW_NANOS);
  }
}
