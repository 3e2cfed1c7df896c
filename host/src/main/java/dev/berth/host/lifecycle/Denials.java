package dev.berth.host.lifecycle;

import dev.berth.host.egress.EgressListener;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Tells a plugin's log which connections were refused: each destination and reason once, then again
 * at every tenfold, so that a plugin that tries for ever can't fill its log.
 */
final class Denials implements EgressListener {
  private static final int MOST_REMEMBERED = 100;

  private final PluginLog log;
  private final Traffic traffic;
  private final long hourly;

  // Guarded by this.
  private final Map<String, Long> counts = new HashMap<>();

  /** With at most {@code hourly} bytes within an hour. */
  Denials(PluginLog log, Traffic traffic, long hourly) {
    this.log = log;
    this.traffic = traffic;
    this.hourly = hourly;
  }

  @Override
  public void onDenied(String destination, String why) {
    long count;
    synchronized (this) {
      String key = destination + " " + why;
      if (!counts.containsKey(key) && counts.size() >= MOST_REMEMBERED) {
        key = ""; // The rest, together.
      }
      count = counts.merge(key, 1L, Long::sum);
    }
    if (isPowerOfTen(count)) {
      String times = count == 1 ? "" : " (" + count + " times by now)";
      log.fromHost("WARNING", "network: " + destination + " was refused: " + why + times);
    }
  }

  @Override
  public boolean mayMove(long received, long sent) {
    boolean may = traffic.add(received, sent, hourly, System.nanoTime());
    if (!may) {
      onDenied("(any)", limit());
    }
    return may;
  }

  @Override
  public Optional<String> spent() {
    return traffic.spent(hourly, System.nanoTime()) ? Optional.of(limit()) : Optional.empty();
  }

  private String limit() {
    return "the limit of " + hourly + " bytes within an hour is reached (serve --egress-size)";
  }

  private static boolean isPowerOfTen(long count) {
    long rest = count;
    while (rest % 10 == 0) {
      rest /= 10;
    }
    return rest == 1;
  }
}
