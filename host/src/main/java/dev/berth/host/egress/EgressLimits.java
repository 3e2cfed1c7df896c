package dev.berth.host.egress;

import java.time.Duration;

/**
 * Bounds of one plugin's connections.
 *
 * @param connections open at once
 * @param idle how long a connection may be silent in both directions
 * @param connect how long finding and reaching a destination may take
 */
public record EgressLimits(int connections, Duration idle, Duration connect) {
  public static final EgressLimits DEFAULT =
      new EgressLimits(32, Duration.ofSeconds(30), Duration.ofSeconds(10));
}
