package dev.berth.channel;

import java.time.Duration;

/**
 * Bounds of a conversation.
 *
 * @param maxContextBytes largest context a call may have, in bytes of JSON
 * @param maxResultBytes largest result a call may have, in bytes of JSON
 * @param maxInFlight calls under way at once; more fail with {@code plugin_overloaded}
 * @param maxQueuedBytes how much may wait for a worker that doesn't read; calls past it fail with
 *     {@code plugin_overloaded}
 * @param cancelGrace how long a cancelled call may go on before the worker counts as hung
 */
public record ChannelLimits(
    int maxContextBytes,
    int maxResultBytes,
    int maxInFlight,
    int maxQueuedBytes,
    Duration cancelGrace) {
  public static final ChannelLimits DEFAULT =
      new ChannelLimits(1 << 20, 1 << 20, 1024, 4 << 20, Duration.ofSeconds(2));

  public ChannelLimits {
    if (maxContextBytes < 2 || maxResultBytes < 2 || maxInFlight < 1 || maxQueuedBytes < 1) {
      throw new IllegalArgumentException("limits must be positive");
    }
    if (cancelGrace.isNegative()) {
      throw new IllegalArgumentException("cancelGrace must not be negative");
    }
  }

  /** The same with another bound on contexts and results, in bytes. */
  public ChannelLimits withValueBytes(int context, int result) {
    return new ChannelLimits(context, result, maxInFlight, maxQueuedBytes, cancelGrace);
  }

  /** The same with another grace time. */
  public ChannelLimits withCancelGrace(Duration grace) {
    return new ChannelLimits(maxContextBytes, maxResultBytes, maxInFlight, maxQueuedBytes, grace);
  }
}
