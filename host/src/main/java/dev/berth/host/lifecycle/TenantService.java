package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Isolation;
import dev.berth.api.Json;
import dev.berth.api.LogRecord;
import dev.berth.api.Plugin;
import dev.berth.api.PluginConfig;
import dev.berth.api.PluginException;
import dev.berth.api.PluginHealth;
import dev.berth.api.PluginId;
import dev.berth.api.PluginService;
import dev.berth.api.PluginStats;
import dev.berth.api.Readiness;
import dev.berth.api.StatusFilter;
import dev.berth.api.TenantId;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.SettingsRules;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What one tenant sees of the host. */
final class TenantService implements PluginService {
  private final Lifecycle host;
  private final Rooms rooms;
  private final TenantId tenant;

  TenantService(Lifecycle host, Rooms rooms, TenantId tenant) {
    this.host = host;
    this.rooms = rooms;
    this.tenant = tenant;
  }

  @Override
  public Plugin install(InstallSource source, @Nullable Json settings, InstallProgress progress) {
    return describe(
        host.operate(does -> does.installer().install(tenant, source, settings, progress)));
  }

  @Override
  public Plugin enable(PluginId id) {
    Supervisor plugin = get(id);
    return describe(host.operate(does -> does.activation().enable(plugin)));
  }

  @Override
  public Plugin disable(PluginId id) {
    Supervisor plugin = get(id);
    return describe(host.operate(does -> does.activation().disable(plugin)));
  }

  @Override
  public Plugin update(PluginId id, InstallSource source, InstallProgress progress) {
    Supervisor plugin = get(id);
    return describe(host.operate(does -> does.updater().update(plugin, source, progress)));
  }

  @Override
  public void uninstall(PluginId id) {
    Supervisor plugin = get(id);
    Supervisor _ = host.operate(does -> does.uninstaller().uninstall(plugin));
  }

  @Override
  public PluginConfig configure(PluginId id, Json settings) {
    Supervisor plugin = get(id);
    Supervisor _ = host.operate(does -> does.updater().configure(plugin, settings));
    return config(id);
  }

  @Override
  public CompletableFuture<ExecutionResult> executeAsync(ExecutionRequest request) {
    if (!request.context().isObject()) {
      return failed(
          ErrorCode.CONTEXT_INVALID,
          request.plugin() + ": the context must be a JSON object, such as {\"message\": \"hi\"}.");
    }
    Supervisor plugin = rooms.plugins().find(tenant, request.plugin());
    if (plugin == null) {
      PluginException missing = Plugins.missing(request.plugin());
      return failed(missing.code(), missing.getMessage());
    }
    return plugin.execute(request);
  }

  private static CompletableFuture<ExecutionResult> failed(ErrorCode code, String message) {
    return CompletableFuture.completedFuture(
        new ExecutionResult.Failed(new PluginException(code, message), Duration.ZERO));
  }

  @Override
  public List<Plugin> list(StatusFilter filter) {
    Isolation isolation = isolation();
    return rooms.plugins().of(tenant).stream()
        .filter(plugin -> filter.accepts(plugin.desired()))
        .map(plugin -> Description.plugin(rooms, plugin, isolation))
        .toList();
  }

  @Override
  public Plugin info(PluginId id) {
    return describe(get(id));
  }

  @Override
  public PluginConfig config(PluginId id) {
    Supervisor plugin = get(id);
    StoredPackage pack = rooms.catalog().get(plugin.row().packageDigest());
    var schema = pack.manifest().configSchema();
    Json overrides = rooms.store().settings().read(tenant, id);
    Json effective = SettingsRules.effective(schema, pack.defaults(), overrides);
    return new PluginConfig(
        schema, SettingsRules.redact(schema, effective), SettingsRules.redact(schema, overrides));
  }

  @Override
  public PluginHealth health(PluginId id) {
    return Description.health(get(id), rooms.engine().timings());
  }

  @Override
  public List<LogRecord> logs(PluginId id, long after, int limit) {
    return get(id).log().read(after, limit);
  }

  @Override
  public AutoCloseable followLogs(PluginId id, Consumer<LogRecord> consumer, Runnable ended) {
    return get(id).log().follow(consumer, ended);
  }

  @Override
  public PluginStats stats(PluginId id) {
    return Description.stats(rooms, get(id));
  }

  @Override
  public List<ErrorGroup> errors(PluginId id) {
    return get(id).errors().list();
  }

  @Override
  public void clearErrors(PluginId id) {
    get(id).errors().clear();
  }

  @Override
  public Readiness readiness() {
    return host.readiness();
  }

  @Override
  public Isolation isolation() {
    return host.isolation();
  }

  private Supervisor get(PluginId id) {
    return rooms.plugins().get(tenant, id);
  }

  private Plugin describe(Supervisor plugin) {
    return Description.plugin(rooms, plugin, isolation());
  }
}
