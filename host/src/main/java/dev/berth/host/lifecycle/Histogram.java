package dev.berth.host.lifecycle;

import java.util.concurrent.atomic.AtomicIntegerArray;

/**
 * Counts values in buckets that grow with the value: eight to each power of two, so that a value is
 * known to about 6 %. Lock-free.
 */
final class Histogram {
  private static final int SUB_BITS = 3;
  private static final int SUB = 1 << SUB_BITS;

  /** Enough for 2^36, with values in microseconds 19 hours. */
  private static final int BUCKETS = (36 - SUB_BITS + 1) * SUB;

  private final AtomicIntegerArray counts = new AtomicIntegerArray(BUCKETS);

  void add(long value) {
    counts.incrementAndGet(Math.min(bucket(Math.max(0, value)), BUCKETS - 1));
  }

  /** The value that {@code share} of all values in {@code parts} don't exceed; 0 without values. */
  static double percentile(double share, Histogram... parts) {
    long total = 0;
    for (Histogram part : parts) {
      for (int i = 0; i < BUCKETS; i++) {
        total += part.counts.get(i);
      }
    }
    long wanted = Math.max(1, (long) Math.ceil(share * total));
    long seen = 0;
    for (int i = 0; i < BUCKETS && total > 0; i++) {
      for (Histogram part : parts) {
        seen += part.counts.get(i);
      }
      if (seen >= wanted) {
        return (lowest(i) + lowest(i + 1)) / 2.0;
      }
    }
    return 0;
  }

  /** Values below {@code SUB} have a bucket each; above, the three bits after the first choose. */
  private static int bucket(long value) {
    if (value < SUB) {
      return (int) value;
    }
    int exponent = 63 - Long.numberOfLeadingZeros(value);
    int shift = exponent - SUB_BITS;
    return (shift + 1) * SUB + (int) ((value >>> shift) - SUB);
  }

  private static long lowest(int bucket) {
    if (bucket < SUB) {
      return bucket;
    }
    int shift = bucket / SUB - 1;
    return (long) (SUB + bucket % SUB) << shift;
  }
}
