package dev.berth.host.lifecycle;

import java.util.function.LongSupplier;

/** How much a plugin may log: a burst, and then so much a second. Counts what went past it. */
final class LogRate {
  private static final double RECORDS_BURST = 2000;
  private static final double RECORDS_A_SECOND = 200;
  private static final double BYTES_BURST = 1 << 20;
  private static final double BYTES_A_SECOND = 256 << 10;

  private final LongSupplier clock;
  private long filledAt;
  private double records = RECORDS_BURST;
  private double bytes = BYTES_BURST;
  private long dropped;

  LogRate(LongSupplier clock) {
    this.clock = clock;
    this.filledAt = clock.getAsLong();
  }

  /** Whether a record of about {@code size} bytes may be kept; counts it as dropped if not. */
  synchronized boolean admit(int size) {
    long now = clock.getAsLong();
    double seconds = (now - filledAt) / 1e9;
    filledAt = now;
    records = Math.min(RECORDS_BURST, records + seconds * RECORDS_A_SECOND);
    bytes = Math.min(BYTES_BURST, bytes + seconds * BYTES_A_SECOND);
    if (records < 1 || bytes < size) {
      dropped++;
      return false;
    }
    records--;
    bytes -= size;
    return true;
  }

  /** Counts records that somebody else left out. */
  synchronized void addDropped(long count) {
    dropped += count;
  }

  /** How many were dropped since it was last asked. */
  synchronized long takeDropped() {
    long count = dropped;
    dropped = 0;
    return count;
  }
}
