package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.DoubleSupplier;

/**
 * Decides when a worker that died is started again: the first time at once, then after a back-off
 * that doubles until the worker was stable for a while; and when to give it up.
 *
 * <p>What is this host's trouble, such as an engine that is gone, is no plugin's fault: it counts
 * for nothing and is tried for ever, after pauses of its own that double too. They stay short, for
 * nobody tells when the trouble is over, and plugins are to be back within 15 s of that.
 */
final class RestartPolicy {
  /**
   * @param firstDelay the back-off's first wait
   * @param greatestDelay its longest
   * @param stableAfter how long a worker must have run for its earlier crashes to be forgotten
   * @param crashes how many crashes within {@code window} are too many
   * @param window see there
   * @param failedStarts how many starts in a row may fail
   * @param greatestTrouble the longest wait while the host is in trouble
   */
  record Limits(
      Duration firstDelay,
      Duration greatestDelay,
      Duration stableAfter,
      int crashes,
      Duration window,
      int failedStarts,
      Duration greatestTrouble) {
    static final Limits DEFAULT =
        new Limits(
            Duration.ofSeconds(1),
            Duration.ofSeconds(60),
            Duration.ofSeconds(60),
            5,
            Duration.ofSeconds(60),
            3,
            Duration.ofSeconds(8));
  }

  /** What to do next. */
  sealed interface Next {
    record Restart(Duration after) implements Next {}

    /**
     * @param why one clause, e.g. {@code it crashed 5 times within 60 s}
     */
    record GiveUp(String why) implements Next {}
  }

  /** Why a start may fail that is this host's trouble and not the plugin's. */
  private static final Set<ErrorCode> HOSTS_OWN =
      EnumSet.of(
          ErrorCode.SANDBOX_UNAVAILABLE,
          ErrorCode.SANDBOX_TOO_WEAK,
          ErrorCode.IMAGE_NOT_ALLOWED,
          ErrorCode.DEPENDENCY_INDEX_UNREACHABLE,
          ErrorCode.DEPENDENCY_TOOL_MISSING,
          ErrorCode.STORE_UNAVAILABLE,
          ErrorCode.DISK_FULL,
          ErrorCode.SHUTTING_DOWN,
          ErrorCode.INTERNAL);

  /** So many deaths within the window make a plugin restless; one may be anybody's fault. */
  private static final int RESTLESS = 2;

  /** How far a delay is spread to either side, so that plugins that died together part again. */
  private static final double SPREAD = 0.2;

  private final Limits limits;
  private final DoubleSupplier random;
  private final ArrayDeque<Long> crashes = new ArrayDeque<>();
  private final ArrayDeque<Long> deaths = new ArrayDeque<>(RESTLESS); // the last ones
  private int sinceStable;
  private int failedStarts;
  private int troubles;

  /**
   * @param random numbers from 0 to 1
   */
  RestartPolicy(Limits limits, DoubleSupplier random) {
    this.limits = limits;
    this.random = random;
  }

  /**
   * Its worker is gone, or didn't come up.
   *
   * @param now by {@link System#nanoTime()}
   * @param why nothing that is the host's trouble is held against it
   */
  synchronized void died(long now, ErrorCode why) {
    if (!HOSTS_OWN.contains(why)) {
      if (deaths.size() == RESTLESS) {
        deaths.removeFirst();
      }
      deaths.add(now);
    }
  }

  /** Whether it died again and again lately, whatever the operator asked for in between. */
  synchronized boolean restless(long now) {
    return deaths.size() == RESTLESS && now - deaths.getFirst() <= limits.window().toNanos();
  }

  /** Forgets the past, but for deaths; the operator asked for a fresh try. */
  synchronized void reset() {
    crashes.clear();
    sinceStable = 0;
    failedStarts = 0;
    troubles = 0;
  }

  /**
   * A worker that had come up is gone.
   *
   * @param now by {@link System#nanoTime()}
   * @param upNanos how long it had been up
   */
  synchronized Next crashed(long now, long upNanos) {
    failedStarts = 0;
    troubles = 0;
    if (upNanos >= limits.stableAfter().toNanos()) {
      sinceStable = 0;
    }
    sinceStable++;
    crashes.add(now);
    while (now - crashes.getFirst() > limits.window().toNanos()) {
      crashes.removeFirst();
    }
    if (crashes.size() >= limits.crashes()) {
      return new Next.GiveUp(
          "it crashed " + crashes.size() + " times within " + limits.window().toSeconds() + " s");
    }
    return new Next.Restart(sinceStable == 1 ? Duration.ZERO : delay(sinceStable - 2));
  }

  /** A worker did not come up, for a reason that counts unless it is the host's. */
  Next startFailed(ErrorCode why) {
    return HOSTS_OWN.contains(why) ? retryLater() : startFailed();
  }

  /** A worker did not come up. */
  synchronized Next startFailed() {
    troubles = 0;
    failedStarts++;
    sinceStable++;
    if (failedStarts >= limits.failedStarts()) {
      return new Next.GiveUp("it did not start " + failedStarts + " times in a row");
    }
    return new Next.Restart(delay(sinceStable - 1));
  }

  /** A worker could not be started for a reason that is the host's: wait, but don't count it. */
  synchronized Next retryLater() {
    return new Next.Restart(delay(troubles++, limits.greatestTrouble()));
  }

  private Duration delay(int doublings) {
    return delay(doublings, limits.greatestDelay());
  }

  private Duration delay(int doublings, Duration greatest) {
    Duration delay = limits.firstDelay();
    for (int i = 0; i < doublings && delay.compareTo(greatest) < 0; i++) {
      delay = delay.multipliedBy(2);
    }
    if (delay.compareTo(greatest) > 0) {
      delay = greatest;
    }
    double spread = 1 + SPREAD * (2 * random.getAsDouble() - 1);
    return Duration.ofMillis(Math.round(spread * (double) delay.toMillis()));
  }
}
