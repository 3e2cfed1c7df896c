package dev.berth.host.lifecycle;

import dev.berth.host.egress.EgressListener;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Tells a plugin's log which connections were refused: each destination and reason once, then again
 * at every tenfold, so that a plugin that tries for ever can't fill its log. Only so many can be
 * remembered; of the others it says how many there were, at every tenfold and every minute.
 */
final class Denials implements EgressListener {
  private static final int MOST_REMEMBERED = 100;
  private static final long MINUTE = Duration.ofMinutes(1).toNanos();

  private final PluginLog log;
  private final Traffic traffic;
  private final long hourly;
  private final LongSupplier nanos;

  // Guarded by this.
  private final Map<String, Long> counts = new HashMap<>();
  private long others;
  private long othersSaid;

  /** With at most {@code hourly} bytes within an hour. */
  Denials(PluginLog log, Traffic traffic, long hourly) {
    this(log, traffic, hourly, System::nanoTime);
  }

  Denials(PluginLog log, Traffic traffic, long hourly, LongSupplier nanos) {
    this.nanos = nanos;
    this.log = log;
    this.traffic = traffic;
    this.hourly = hourly;
  }

  @Override
  public void onDenied(String destination, String why) {
    String said = toSay(destination, why);
    if (said != null) {
      log.fromHost("WARNING", "network: " + said);
    }
  }

  private synchronized @Nullable String toSay(String destination, String why) {
    String key = destination + " " + why;
    if (counts.size() < MOST_REMEMBERED || counts.containsKey(key)) {
      long count = counts.merge(key, 1L, Long::sum);
      String times = count == 1 ? "" : " (" + count + " times by now)";
      return isPowerOfTen(count) ? destination + " was refused: " + why + times : null;
    }
    others++;
    long now = nanos.getAsLong();
    if (!isPowerOfTen(others) && now - othersSaid < MINUTE) {
      return null;
    }
    othersSaid = now;
    return "and "
        + others
        + (others == 1 ? " other refusal" : " other refusals")
        + " by now, the last of "
        + destination
        + ": "
        + why;
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
