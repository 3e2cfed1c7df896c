package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.Command;
import dev.berth.api.ConfigSchema;
import dev.berth.api.ErrorGroup;
import dev.berth.api.Hook;
import dev.berth.api.Isolation;
import dev.berth.api.Json;
import dev.berth.api.LogRecord;
import dev.berth.api.Permission;
import dev.berth.api.Plugin;
import dev.berth.api.PluginConfig;
import dev.berth.api.PluginHealth;
import dev.berth.api.PluginId;
import dev.berth.api.PluginManifest;
import dev.berth.api.PluginState;
import dev.berth.api.PluginStats;
import dev.berth.api.WorkerState;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What the records of the API look like as JSON. Names and order are part of the interface. */
final class Views {
  private Views() {}

  /** What install and update answer. */
  static Map<String, Object> installed(Plugin plugin) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", plugin.id().value());
    view.put("name", plugin.manifest().name());
    view.put("version", plugin.manifest().version().text());
    view.put("status", plugin.state().status());
    return view;
  }

  /** What enable, disable and uninstall answer. */
  static Map<String, Object> changed(PluginId id, String status) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", id.value());
    view.put("status", status);
    view.put("message", "Plugin " + status + " successfully");
    return view;
  }

  static Map<String, Object> summary(Plugin plugin) {
    PluginManifest manifest = plugin.manifest();
    var view = new LinkedHashMap<String, Object>();
    view.put("id", plugin.id().value());
    view.put("name", manifest.name());
    view.put("version", manifest.version().text());
    view.put("status", plugin.state().status());
    view.put("author", manifest.author());
    view.put("description", manifest.description());
    return view;
  }

  static Map<String, Object> info(Plugin plugin) {
    PluginManifest manifest = plugin.manifest();
    Map<String, Object> view = summary(plugin);
    if (plugin.state() instanceof PluginState.Failed(String reason)) {
      view.put("reason", reason);
    }
    view.put("email", manifest.email());
    view.put("license", manifest.license());
    view.put("type", manifest.type().wireName());
    view.put("main", manifest.entryPoint().main());
    view.put("class", manifest.entryPoint().className());
    view.put("dependencies", manifest.dependencies());
    view.put("permissions", manifest.permissions().stream().map(Permission::wireName).toList());
    view.put(
        "optional_permissions",
        manifest.optionalPermissions().stream().map(Permission::wireName).toList());
    var resources = new LinkedHashMap<String, Object>();
    resources.put("memory_mb", manifest.resources().memoryMb());
    resources.put("cpu_shares", manifest.resources().cpuShares());
    resources.put("timeout_seconds", manifest.resources().timeoutSeconds());
    view.put("resources", resources);
    view.put("config_schema", schema(manifest.configSchema()));
    view.put("hooks", manifest.hooks().stream().map(Hook::wireName).toList());
    view.put("commands", manifest.commands().stream().map(Views::command).toList());
    view.put("python_requires", manifest.pythonRequires());
    view.put("min_host_version", manifest.minHostVersion());
    view.put("worker", worker(plugin.worker()));
    view.put("isolation", isolation(plugin.isolation()));
    view.put("package", plugin.packageDigest());
    view.put("installed_at", plugin.installedAt().toString());
    view.put("updated_at", plugin.updatedAt().toString());
    return view;
  }

  private static Map<String, Object> command(Command command) {
    var view = new LinkedHashMap<String, Object>();
    view.put("name", command.name());
    view.put("description", command.description());
    view.put("usage", command.usage());
    return view;
  }

  private static Map<String, Object> worker(WorkerState worker) {
    var view = new LinkedHashMap<String, Object>();
    view.put("status", worker.status());
    switch (worker) {
      case WorkerState.Running running -> view.put("since", running.since().toString());
      case WorkerState.Crashed crashed -> {
        view.put("reason", crashed.exit().reason());
        view.put("exit", crashed.exit().describe());
      }
      case WorkerState.Stopped _, WorkerState.Starting _, WorkerState.Draining _ -> {}
    }
    return view;
  }

  static Map<String, Object> isolation(Isolation isolation) {
    var view = new LinkedHashMap<String, Object>();
    view.put("kind", isolation.kind());
    view.put("enforced", isolation.enforced());
    view.put("missing", isolation.missing().stream().map(Views::missing).toList());
    return view;
  }

  /** The isolation, with what else was found out about the host. */
  static Map<String, Object> hostIsolation(Isolation isolation) {
    var view = isolation(isolation);
    view.put("findings", isolation.findings().stream().map(Views::finding).toList());
    return view;
  }

  private static Map<String, Object> finding(Isolation.Finding finding) {
    var view = new LinkedHashMap<String, Object>();
    view.put("name", finding.name());
    view.put("ok", finding.ok());
    view.put("what", finding.what());
    view.put("remedy", finding.remedy());
    return view;
  }

  private static Map<String, Object> missing(Isolation.Missing missing) {
    var view = new LinkedHashMap<String, Object>();
    view.put("protection", missing.protection());
    view.put("why", missing.why());
    view.put("remedy", missing.remedy());
    return view;
  }

  private static Map<String, Object> schema(ConfigSchema schema) {
    var view = new LinkedHashMap<String, Object>();
    schema.settings().forEach((key, setting) -> view.put(key, setting(setting)));
    return view;
  }

  private static Map<String, Object> setting(ConfigSchema.Setting setting) {
    var view = new LinkedHashMap<String, Object>();
    view.put("type", setting.type().wireName());
    view.put("required", setting.required());
    putJson(view, "default", setting.defaultValue());
    view.put("description", setting.description());
    view.put("secret", setting.secret());
    if (!setting.allowed().isEmpty()) {
      view.put("enum", setting.allowed().stream().map(v -> JsonText.raw(Json.of(v))).toList());
    }
    putPresent(view, "minimum", setting.minimum());
    putPresent(view, "maximum", setting.maximum());
    putPresent(view, "pattern", setting.pattern());
    return view;
  }

  static Map<String, Object> config(PluginId id, PluginConfig config) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", id.value());
    view.put("schema", schema(config.schema()));
    view.put("values", JsonText.raw(config.values()));
    view.put("overridden", JsonText.raw(config.overridden()));
    return view;
  }

  static Map<String, Object> health(PluginId id, PluginHealth health) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", id.value());
    view.put("status", health.status());
    view.put("message", health.message());
    view.put("worker", worker(health.worker()));
    view.put("checked_at", health.checkedAt() == null ? null : health.checkedAt().toString());
    view.put("report", health.report() == null ? null : JsonText.raw(health.report()));
    view.put("restarts", health.restarts());
    return view;
  }

  static Map<String, Object> stats(Plugin plugin, PluginStats stats) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", plugin.id().value());
    view.put("name", plugin.manifest().name());
    view.put("version", plugin.manifest().version().text());
    view.put("status", stats.status());
    view.put("cpu_usage", stats.cpuUsage());
    view.put("memory_usage_mb", stats.memoryBytes() / 1048576.0);
    view.put("disk_usage_mb", stats.diskBytes() / 1048576.0);
    view.put("network_rx_bytes", stats.networkRxBytes());
    view.put("network_tx_bytes", stats.networkTxBytes());
    view.put("pids", stats.pids());
    view.put("throttled_seconds", stats.throttledSeconds());
    view.put("calls", stats.calls());
    view.put("errors", stats.errors());
    view.put("in_flight", stats.inFlight());
    view.put("p50_ms", stats.p50Millis());
    view.put("p95_ms", stats.p95Millis());
    view.put("p99_ms", stats.p99Millis());
    view.put("restarts", stats.restarts());
    view.put("uptime_seconds", stats.uptimeSeconds());
    PluginStats.Limits limits = stats.limits();
    var limited = new LinkedHashMap<String, Object>();
    limited.put("cpu_usage", limits.cpuPercent());
    limited.put("memory_usage_mb", limits.memoryBytes() / 1048576.0);
    limited.put("disk_usage_mb", limits.diskBytes() / 1048576.0);
    limited.put("pids", limits.pids());
    limited.put("timeout_seconds", limits.timeoutSeconds());
    view.put("limits", limited);
    return view;
  }

  static Map<String, Object> errors(PluginId id, List<ErrorGroup> groups) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", id.value());
    view.put("errors", groups.stream().map(Views::errorGroup).toList());
    view.put("total", groups.size());
    return view;
  }

  private static Map<String, Object> errorGroup(ErrorGroup group) {
    var view = new LinkedHashMap<String, Object>();
    view.put("fingerprint", group.fingerprint());
    view.put("kind", group.kind().wireName());
    view.put("type", group.type());
    view.put("message", group.message());
    view.put("where", group.where());
    view.put("traceback", group.traceback());
    view.put("count", group.count());
    view.put("first_at", group.firstAt().toString());
    view.put("last_at", group.lastAt().toString());
    view.put("version", group.version());
    return view;
  }

  static Map<String, Object> logs(PluginId id, List<LogRecord> records) {
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", id.value());
    view.put("records", records.stream().map(Views::logRecord).toList());
    return view;
  }

  static Map<String, Object> logRecord(LogRecord record) {
    var view = new LinkedHashMap<String, Object>();
    view.put("sequence", record.sequence());
    view.put("time", record.time().toString());
    view.put("level", record.level());
    view.put("source", record.source());
    view.put("logger", record.logger());
    view.put("message", record.message());
    return view;
  }

  static Map<String, Object> key(AccessKeys.Key key) {
    var view = new LinkedHashMap<String, Object>();
    view.put("id", key.id());
    view.put("name", key.name());
    view.put("tenant", key.tenant().value());
    view.put("created_at", key.createdAt().toString());
    return view;
  }

  private static void putJson(Map<String, Object> view, String name, @Nullable String json) {
    if (json != null) {
      view.put(name, JsonText.raw(Json.of(json)));
    }
  }

  private static void putPresent(Map<String, Object> view, String name, @Nullable Object value) {
    if (value != null) {
      view.put(name, value);
    }
  }
}
