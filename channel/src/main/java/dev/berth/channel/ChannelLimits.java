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
 * @param framePatience how long a frame may take to come whole once it has begun; a worker that
 *     takes longer breaks the protocol. Up to twice that may pass
 */
public record ChannelLimits(
    int maxContextBytes,
    int maxResultBytes,
    int maxInFlight,
    int maxQueuedBytes,
    Duration cancelGrace,
    Duration framePatience) {
  public static final ChannelLimits DEFAULT =
      new ChannelLimits(
          1 << 20, 1 << 20, 1024, 4 << 20, Duration.ofSeconds(2), Duration.ofSeconds(30));

  public ChannelLimits {
    if (maxContextBytes < 2 || maxResultBytes < 2 || maxInFlight < 1 || maxQueuedBytes < 1) {
      throw new IllegalArgumentException("limits must be positive");
    }
    if (cancelGrace.isNegative() || framePatience.isNegative()) {
      throw new IllegalArgumentException("times must not be negative");
    }
  }

  /** The same with another bound on contexts and results, in bytes. */
  public ChannelLimits withValueBytes(int context, int result) {
    return new ChannelLimits(
        context, result, maxInFlight, maxQueuedBytes, cancelGrace, framePatience);
  }

  /** The same with another bound on calls under way at once. */
  public ChannelLimits withMaxInFlight(int calls) {
    return new ChannelLimits(
        maxContextBytes, maxResultBytes, calls, maxQueuedBytes, cancelGrace, framePatience);
  }

  /** The same with another grace time. */
  public ChannelLimits withCancelGrace(Duration grace) {
    return new ChannelLimits(
        maxContextBytes, maxResultBytes, maxInFlight, maxQueuedBytes, grace, framePatience);
  }

  /** The same with another patience for frames. */
  public ChannelLimits withFramePatience(Duration patience) {
    return new ChannelLimits(
        maxContextBytes, maxResultBytes, maxInFlight, maxQueuedBytes, cancelGrace, patience);
  }
}
