package dev.berth.sandbox;

/**
 * What a worker uses.
 *
 * @param cpuNanos CPU time since it started, in nanoseconds
 * @param memoryBytes memory in use, inactive file cache left out
 * @param pids processes and threads
 */
public record ResourceUsage(long cpuNanos, long memoryBytes, long pids) {
  public static final ResourceUsage NONE = new ResourceUsage(0, 0, 0);
}
