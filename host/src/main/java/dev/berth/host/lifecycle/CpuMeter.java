package dev.berth.host.lifecycle;

import dev.berth.sandbox.ResourceUsage;
import java.util.function.LongSupplier;

/** CPU use from two samples that are some time apart. */
final class CpuMeter {
  /** Samples closer than this say little. */
  private static final long SHORTEST_NANOS = 1_000_000_000L;

  private final LongSupplier clock;
  private long sampledAt;
  private long cpuNanos;
  private double percent;

  CpuMeter(LongSupplier clock) {
    this.clock = clock;
    this.sampledAt = clock.getAsLong();
  }

  /** Per cent of one core since the last sample that was long enough ago. */
  synchronized double percent(ResourceUsage usage) {
    long now = clock.getAsLong();
    long passed = now - sampledAt;
    if (passed >= SHORTEST_NANOS) {
      percent = Math.max(0, 100.0 * (usage.cpuNanos() - cpuNanos) / passed);
      sampledAt = now;
      cpuNanos = usage.cpuNanos();
    }
    return percent;
  }
}
