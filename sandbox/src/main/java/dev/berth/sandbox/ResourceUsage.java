package dev.berth.sandbox;

/**
 * What a worker uses.
 *
 * @param cpuNanos CPU time since it started, in nanoseconds
 * @param throttledNanos time its processes were held back by the CPU quota, in nanoseconds
 * @param memoryBytes memory in use, inactive file cache left out
 * @param pids processes and threads
 * @param diskBytes what its files in {@code /data} take; 0 where that isn't known
 */
public record ResourceUsage(
    long cpuNanos, long throttledNanos, long memoryBytes, long pids, long diskBytes) {
  public static final ResourceUsage NONE = new ResourceUsage(0, 0, 0, 0, 0);

  ResourceUsage withDisk(long bytes) {
    return new ResourceUsage(cpuNanos, throttledNanos, memoryBytes, pids, bytes);
  }
}
