package dev.berth.api;

import java.time.Duration;

/**
 * What a plugin may use.
 *
 * @param memoryMb resident memory of the whole sandbox in MiB
 * @param cpuShares relative weight of CPU time, 1024 being one share, as Docker counts it
 * @param timeoutSeconds how long one call may take, in seconds
 */
public record ResourceLimits(int memoryMb, int cpuShares, int timeoutSeconds) {
  /** What holds where plugin.yaml says nothing. */
  public static final ResourceLimits DEFAULT = new ResourceLimits(512, 1024, 30);

  /** The most that a plugin may ask for where the operator says nothing. */
  public static final ResourceLimits MAXIMUM = new ResourceLimits(4096, 4096, 600);

  public Duration timeout() {
    return Duration.ofSeconds(timeoutSeconds);
  }
}
