package dev.berth.server;

import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.PluginService;
import dev.berth.api.PluginStats;
import dev.berth.api.StatusFilter;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;

/** The figures of every enabled plugin, as they stood when they were last read. */
final class PluginCollector implements MultiCollector {
  private record Row(Labels labels, PluginStats stats) {}

  private volatile List<Row> rows = List.of();

  void read(PluginService service) {
    var read = new ArrayList<Row>();
    for (Plugin plugin : service.list(StatusFilter.ENABLED)) {
      try {
        read.add(
            new Row(
                Labels.of("plugin", plugin.id().value(), "name", plugin.manifest().name()),
                service.stats(plugin.id())));
      } catch (PluginException _) {
        // Uninstalled since it was listed: it has no figures any more.
      }
    }
    rows = read;
  }

  @Override
  public MetricSnapshots collect() {
    List<Row> now = rows;
    return MetricSnapshots.of(
        counter(now, "berth_plugin_calls", "Calls ended", PluginStats::calls),
        counter(now, "berth_plugin_errors", "Calls that failed", PluginStats::errors),
        counter(now, "berth_plugin_restarts", "Times started again", PluginStats::restarts),
        gauge(
            now,
            "berth_plugin_in_flight",
            "Calls running or waiting for a worker",
            PluginStats::inFlight),
        gauge(now, "berth_plugin_memory_bytes", "Memory in use", PluginStats::memoryBytes),
        gauge(now, "berth_plugin_cpu_percent", "CPU use, of one core", PluginStats::cpuUsage),
        gauge(now, "berth_plugin_disk_bytes", "Its files in /data", PluginStats::diskBytes),
        gauge(
            now,
            "berth_plugin_memory_limit_bytes",
            "Memory it may use",
            stats -> stats.limits().memoryBytes()),
        gauge(
            now,
            "berth_plugin_disk_limit_bytes",
            "What its files in /data may take",
            stats -> stats.limits().diskBytes()),
        counter(
            now,
            "berth_plugin_throttled_seconds",
            "Time held back by the CPU quota",
            PluginStats::throttledSeconds),
        counter(
            now,
            "berth_plugin_network_received_bytes",
            "Received through the egress proxy",
            PluginStats::networkRxBytes),
        counter(
            now,
            "berth_plugin_network_sent_bytes",
            "Sent through the egress proxy",
            PluginStats::networkTxBytes),
        gauge(now, "berth_plugin_processes", "Processes and threads", PluginStats::pids),
        gauge(now, "berth_plugin_uptime_seconds", "Since it came up", PluginStats::uptimeSeconds),
        latency(now));
  }

  private static CounterSnapshot counter(
      List<Row> rows, String name, String help, ToDoubleFunction<PluginStats> figure) {
    var builder = CounterSnapshot.builder().name(name).help(help);
    for (Row row : rows) {
      builder.dataPoint(
          CounterSnapshot.CounterDataPointSnapshot.builder()
              .labels(row.labels())
              .value(figure.applyAsDouble(row.stats()))
              .build());
    }
    return builder.build();
  }

  private static GaugeSnapshot gauge(
      List<Row> rows, String name, String help, ToDoubleFunction<PluginStats> figure) {
    var builder = GaugeSnapshot.builder().name(name).help(help);
    for (Row row : rows) {
      builder.dataPoint(point(row.labels(), figure.applyAsDouble(row.stats())));
    }
    return builder.build();
  }

  private static GaugeSnapshot latency(List<Row> rows) {
    var builder =
        GaugeSnapshot.builder()
            .name("berth_plugin_call_seconds")
            .help("How long recent calls took, by quantile");
    for (Row row : rows) {
      PluginStats stats = row.stats();
      builder.dataPoint(quantile(row.labels(), "0.5", stats.p50Millis()));
      builder.dataPoint(quantile(row.labels(), "0.95", stats.p95Millis()));
      builder.dataPoint(quantile(row.labels(), "0.99", stats.p99Millis()));
    }
    return builder.build();
  }

  private static GaugeSnapshot.GaugeDataPointSnapshot quantile(
      Labels labels, String quantile, double millis) {
    return point(labels.merge(Labels.of("quantile", quantile)), millis / 1000);
  }

  private static GaugeSnapshot.GaugeDataPointSnapshot point(Labels labels, double value) {
    return GaugeSnapshot.GaugeDataPointSnapshot.builder().labels(labels).value(value).build();
  }
}
