package dev.berth.host.lifecycle;

import dev.berth.api.ConfigSchema;
import dev.berth.api.EntryPoint;
import dev.berth.api.Isolation;
import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.PluginHealth;
import dev.berth.api.PluginManifest;
import dev.berth.api.PluginState;
import dev.berth.api.PluginStats;
import dev.berth.api.PluginType;
import dev.berth.api.ResourceLimits;
import dev.berth.api.Version;
import dev.berth.api.WorkerState;
import dev.berth.host.store.PluginRow;
import dev.berth.sandbox.DataVolume;
import dev.berth.sandbox.ResourceUsage;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A supervisor's plugin in the API's words. */
final class Description {
  private Description() {}

  static Plugin plugin(Rooms rooms, Supervisor plugin, Isolation isolation) {
    PluginRow row = plugin.row();
    return new Plugin(
        row.id(),
        row.tenant(),
        manifest(rooms, row),
        plugin.desired(),
        plugin.observed(),
        row.packageDigest(),
        isolation,
        row.installedAt(),
        row.updatedAt());
  }

  /** One damaged package must not hide all plugins: it is shown as what it is. */
  static PluginManifest manifest(Rooms rooms, PluginRow row) {
    try {
      return rooms.catalog().get(row.packageDigest()).manifest();
    } catch (PluginException e) {
      return new PluginManifest(
          row.name(),
          new Version(row.version()),
          "DAMAGED: " + e.getMessage(),
          "",
          "",
          "",
          PluginType.EXTENSION,
          new EntryPoint("main.py", "Unknown"),
          List.of(),
          Set.of(),
          Set.of(),
          ResourceLimits.DEFAULT,
          ConfigSchema.EMPTY,
          Set.of(),
          List.of(),
          List.of(),
          "",
          "",
          "");
    }
  }

  static PluginStats stats(Rooms rooms, Supervisor plugin) {
    Worker worker = plugin.running();
    ResourceUsage usage = worker == null ? ResourceUsage.NONE : worker.usage();
    CallStats stats = plugin.stats();
    return new PluginStats(
        plugin.observed().status(),
        worker == null ? 0 : worker.cpuPercent(usage),
        usage.memoryBytes(),
        usage.pids(),
        worker == null ? DataVolume.used(rooms.paths().volume(plugin.id())) : usage.diskBytes(),
        usage.throttledNanos() / 1e9,
        plugin.traffic().received(),
        plugin.traffic().sent(),
        stats.calls(),
        stats.errors(),
        (worker == null ? 0 : worker.inFlight()) + plugin.waitingCalls(),
        stats.percentileMillis(0.5),
        stats.percentileMillis(0.95),
        stats.percentileMillis(0.99),
        stats.restarts(),
        worker == null ? 0 : worker.upNanos() / 1e9,
        worker == null ? PluginStats.Limits.UNKNOWN : worker.limits());
  }

  /** A plugin that was not asked within the last interval is asked now. */
  static PluginHealth health(Supervisor plugin, Timings timings) {
    WorkerState worker = plugin.observed();
    int restarts = plugin.stats().restarts();
    return switch (worker) {
      case WorkerState.Stopped _ when plugin.desired() instanceof PluginState.Failed(String why) ->
          new PluginHealth("unhealthy", why, worker, null, null, restarts);
      case WorkerState.Stopped _, WorkerState.Draining _ ->
          new PluginHealth("stopped", "", worker, null, null, restarts);
      case WorkerState.Starting _ ->
          new PluginHealth("starting", plugin.lastFailure(), worker, null, null, restarts);
      case WorkerState.Crashed _ ->
          new PluginHealth("unhealthy", plugin.lastFailure(), worker, null, null, restarts);
      case WorkerState.Running _ -> {
        HealthMonitor.Checkup last = checkup(plugin.health(), timings);
        yield last == null
            ? new PluginHealth("healthy", "", worker, null, null, restarts)
            : new PluginHealth(
                last.healthy() ? "healthy" : "unhealthy",
                last.message(),
                worker,
                last.at(),
                last.report(),
                restarts);
      }
    };
  }

  private static HealthMonitor.@Nullable Checkup checkup(
      @Nullable HealthMonitor monitor, Timings timings) {
    if (monitor == null) {
      return null;
    }
    HealthMonitor.Checkup last = monitor.last();
    if (last != null
        && Duration.between(last.at(), java.time.Instant.now()).compareTo(timings.healthEvery())
            < 0) {
      return last;
    }
    var asked = monitor.check();
    boolean _ = Await.done(asked, timings.healthAnswer().plusSeconds(1));
    return monitor.last();
  }
}
