package dev.berth.sandbox;

import dev.berth.api.ResourceLimits;

/** What a container gets of memory, in bytes, and of CPU time, as a weight. */
record Allowance(long memoryBytes, int cpuShares) {
  /** The kernel knows no smaller weight. */
  private static final int LEAST_SHARES = 2;

  /**
   * @param most what the operator lets a plugin have
   */
  static Allowance of(ResourceLimits wanted, ResourceLimits most) {
    return new Allowance(
        (long) Math.min(wanted.memoryMb(), most.memoryMb()) << 20,
        Math.max(LEAST_SHARES, Math.min(wanted.cpuShares(), most.cpuShares())));
  }
}
