package dev.berth.host.lifecycle;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.function.LongSupplier;

/**
 * CPU use over the last seconds, the same for whoever asks and however often: the samples it is
 * reckoned from are taken by the host's clock. Each figure reaches from the newest of them that is
 * {@link #WINDOW} old to now, so it covers that and up to {@link #EVERY} more; less while the
 * worker is younger.
 */
final class CpuMeter {
  /** Between two samples of a worker. */
  static final Duration EVERY = Duration.ofSeconds(2);

  static final Duration WINDOW = Duration.ofSeconds(6);

  /** A shorter time than this says little. */
  private static final long SHORTEST_NANOS = 1_000_000_000L;

  private record Sample(long at, long cpuNanos) {}

  private final LongSupplier clock;
  private final ArrayDeque<Sample> samples = new ArrayDeque<>();

  CpuMeter(LongSupplier clock) {
    this.clock = clock;
  }

  /**
   * To be called every {@link #EVERY}.
   *
   * @param cpuNanos CPU time used so far, in nanoseconds
   */
  synchronized void sample(long cpuNanos) {
    samples.add(new Sample(clock.getAsLong(), cpuNanos));
    forget();
  }

  /**
   * Per cent of one core; 0 while too little is known.
   *
   * @param cpuNanos CPU time used so far, in nanoseconds
   */
  synchronized double percent(long cpuNanos) {
    if (samples.isEmpty()) {
      sample(cpuNanos);
    }
    forget();
    Sample then = samples.getFirst();
    long passed = clock.getAsLong() - then.at();
    return passed < SHORTEST_NANOS
        ? 0
        : Math.max(0, 100.0 * (double) (cpuNanos - then.cpuNanos()) / (double) passed);
  }

  /** Leaves one sample that is old enough, if there is any, and those after it. */
  private void forget() {
    long now = clock.getAsLong();
    while (samples.size() > 1 && now - second().at() >= WINDOW.toNanos()) {
      samples.removeFirst();
    }
  }

  private Sample second() {
    var from = samples.iterator();
    var _ = from.next();
    return from.next();
  }
}
