package dev.berth.host.lifecycle;

import java.time.Duration;

/**
 * How long things may take. Only tests use others than {@link #DEFAULT}.
 *
 * @param start from a worker's launch to the end of {@code initialize()}; a plugin whose calls may
 *     take longer than this gets as long as a call
 * @param drain how long a worker that is stopped may go on with the calls it has
 * @param shutdown how long its {@code cleanup()} may take
 * @param exitReason how long failed calls wait at most to be told why the worker died: the end of
 *     the socket often comes before the exit status, and on a busy machine long before
 * @param busy how long an operation waits for another on the same plugin
 * @param healthEvery between two health checks
 * @param healthAnswer how long an answer to one may take
 * @param restarts when a dead worker is started again
 */
record Timings(
    Duration start,
    Duration drain,
    Duration shutdown,
    Duration exitReason,
    Duration busy,
    Duration healthEvery,
    Duration healthAnswer,
    RestartPolicy.Limits restarts) {
  static final Timings DEFAULT =
      new Timings(
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(2),
          Duration.ofSeconds(2),
          Duration.ofSeconds(2),
          Duration.ofSeconds(10),
          Duration.ofSeconds(5),
          RestartPolicy.Limits.DEFAULT);

  /** Unanswered health checks after which a worker is replaced. */
  static final int HEALTH_MISSES = 3;
}
