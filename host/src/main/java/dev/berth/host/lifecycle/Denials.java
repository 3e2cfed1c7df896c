package dev.berth.host.lifecycle;

import dev.berth.host.egress.EgressListener;
import java.util.HashMap;
import java.util.Map;

/**
 * Tells a plugin's log which connections were refused: each destination and reason once, then again
 * at every tenfold, so that a plugin that tries for ever can't fill its log.
 */
final class Denials implements EgressListener {
  private static final int MOST_REMEMBERED = 100;

  private final PluginLog log;
  private final Traffic traffic;

  // Guarded by this.
  private final Map<String, Long> counts = new HashMap<>();

  Denials(PluginLog log, Traffic traffic) {
    this.log = log;
    this.traffic = traffic;
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
  public void onMoved(long received, long sent) {
    traffic.add(received, sent);
  }

  private static boolean isPowerOfTen(long count) {
    long rest = count;
    while (rest % 10 == 0) {
      rest /= 10;
    }
    return rest == 1;
  }
}
