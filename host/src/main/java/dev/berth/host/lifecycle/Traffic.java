package dev.berth.host.lifecycle;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * Bytes a plugin moved over the network, all of its workers taken together, so that a new worker
 * gets no new allowance.
 */
final class Traffic {
  private static final long HOUR = TimeUnit.HOURS.toNanos(1);

  private final LongAdder received = new LongAdder();
  private final LongAdder sent = new LongAdder();

  // Guarded by this.
  private long hourBegan = System.nanoTime();
  private long withinHour;

  /**
   * Counts bytes, unless they would be more than {@code hourly} within an hour; the rest of that
   * hour then has none.
   *
   * @param now as {@link System#nanoTime} has it
   */
  boolean add(long in, long out, long hourly, long now) {
    synchronized (this) {
      turn(now);
      if (in + out > hourly - withinHour) {
        withinHour = hourly;
        return false;
      }
      withinHour += in + out;
    }
    received.add(in);
    sent.add(out);
    return true;
  }

  /** Whether nothing is left of the hour's bytes. */
  synchronized boolean spent(long hourly, long now) {
    turn(now);
    return withinHour >= hourly;
  }

  private void turn(long now) {
    if (now - hourBegan >= HOUR) {
      hourBegan = now;
      withinHour = 0;
    }
  }

  long received() {
    return received.sum();
  }

  long sent() {
    return sent.sum();
  }

  /** Begins anew, with a whole hour's bytes. */
  void reset() {
    received.reset();
    sent.reset();
    synchronized (this) {
      hourBegan = System.nanoTime();
      withinHour = 0;
    }
  }
}
