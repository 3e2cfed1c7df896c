package dev.berth.channel;

import java.time.Duration;

/**
 * Bounds of a conversation.
 *
 * @param maxResultBytes largest result a call may have, in bytes of JSON
 * @param maxInFlight calls under way at once; more fail with {@code plugin_overloaded}
 * @param cancelGrace how long a cancelled call may go on before the worker counts as hung
 */
public record ChannelLimits(int maxResultBytes, int maxInFlight, Duration cancelGrace) {
  public static final ChannelLimits DEFAULT =
      new ChannelLimits(1 << 20, 1024, Duration.ofSeconds(2));
}
