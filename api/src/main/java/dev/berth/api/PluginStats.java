package dev.berth.api;

/**
 * What a plugin used and did since its worker was enabled.
 *
 * @param status the worker's state: {@code stopped}, {@code starting}, {@code running}, {@code
 *     draining} or {@code crashed}
 * @param cpuUsage CPU use over the last 6 to 8 s in per cent of one core; since the worker came up
 *     where that is less long ago
 * @param memoryBytes memory in use, reclaimable file cache left out
 * @param pids processes and threads
 * @param diskBytes what its files in {@code /data} take, while no worker runs as it was some 10 s
 *     after the last one; 0 where that is not known, which is where {@code /data} has no size limit
 * @param throttledSeconds how long its worker was held back by the CPU quota
 * @param networkRxBytes received through the egress proxy
 * @param networkTxBytes sent through it
 * @param calls calls ended
 * @param errors calls that failed
 * @param inFlight calls running now, and those that wait for a worker
 * @param p50Millis median duration of recent calls in milliseconds; 0 without calls
 * @param p95Millis 95th percentile likewise
 * @param p99Millis 99th percentile likewise
 * @param restarts how often the worker was started again
 * @param uptimeSeconds since the worker came up; 0 when it is down
 * @param limits what the figures may come to; {@link Limits#UNKNOWN} while no worker runs
 */
public record PluginStats(
    String status,
    double cpuUsage,
    long memoryBytes,
    long pids,
    long diskBytes,
    double throttledSeconds,
    long networkRxBytes,
    long networkTxBytes,
    long calls,
    long errors,
    int inFlight,
    double p50Millis,
    double p95Millis,
    double p99Millis,
    int restarts,
    double uptimeSeconds,
    Limits limits) {
  /**
   * What a worker may use; 0 stands for a limit that isn't known.
   *
   * @param cpuPercent CPU quota in per cent of one core
   * @param memoryBytes memory
   * @param pids processes and threads
   * @param diskBytes its files in {@code /data}
   * @param timeoutSeconds one call
   */
  public record Limits(
      double cpuPercent, long memoryBytes, long pids, long diskBytes, int timeoutSeconds) {
    public static final Limits UNKNOWN = new Limits(0, 0, 0, 0, 0);
  }
}
