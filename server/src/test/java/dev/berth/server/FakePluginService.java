package dev.berth.server;

import dev.berth.api.Command;
import dev.berth.api.ConfigSchema;
import dev.berth.api.EntryPoint;
import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Hook;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Isolation;
import dev.berth.api.Json;
import dev.berth.api.LogRecord;
import dev.berth.api.Permission;
import dev.berth.api.Plugin;
import dev.berth.api.PluginConfig;
import dev.berth.api.PluginException;
import dev.berth.api.PluginHealth;
import dev.berth.api.PluginId;
import dev.berth.api.PluginManifest;
import dev.berth.api.PluginService;
import dev.berth.api.PluginState;
import dev.berth.api.PluginStats;
import dev.berth.api.PluginType;
import dev.berth.api.Readiness;
import dev.berth.api.ResourceLimits;
import dev.berth.api.StatusFilter;
import dev.berth.api.TenantId;
import dev.berth.api.Version;
import dev.berth.api.WorkerState;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.function.Function;

/** A plugin service in memory whose calls do what a test says. */
final class FakePluginService implements PluginService {
  static final PluginId ID = new PluginId("plugin_dice");
  static final Instant THEN = Instant.parse("2026-01-02T03:04:05Z");

  /** What a call does; echoes its context unless a test says otherwise. */
  volatile Function<ExecutionRequest, CompletableFuture<ExecutionResult>> onExecute =
      request -> CompletableFuture.completedFuture(succeeded(request.context()));

  /** Runs inside an install, before it is done. */
  volatile Runnable onInstall = () -> {};

  volatile PluginException enableFailure;
  volatile Readiness readiness = new Readiness(true, List.of());
  final Map<PluginId, Plugin> plugins = new ConcurrentHashMap<>();
  final List<String> installs = new CopyOnWriteArrayList<>();
  final List<byte[]> archives = new CopyOnWriteArrayList<>();
  final List<LogRecord> log = new CopyOnWriteArrayList<>();
  final List<Consumer<LogRecord>> followers = new CopyOnWriteArrayList<>();
  final List<ErrorGroup> errors =
      new CopyOnWriteArrayList<>(
          List.of(
              new ErrorGroup(
                  "0a1b2c3d4e5f",
                  ErrorCode.PLUGIN_ERROR,
                  "ValueError",
                  "no dice",
                  "main.py:3",
                  "Traceback (most recent call last):\nValueError: no dice",
                  12,
                  THEN,
                  THEN.plusSeconds(60),
                  "1.0.0"),
              new ErrorGroup(
                  "1a1b2c3d4e5f",
                  ErrorCode.PLUGIN_CRASHED,
                  "",
                  "its worker was killed by signal 11",
                  "",
                  "",
                  1,
                  THEN,
                  THEN,
                  "1.0.0")));
  volatile Json settings = Json.EMPTY_OBJECT;

  FakePluginService() {
    plugins.put(ID, plugin(ID, "dice", new PluginState.Enabled()));
  }

  static ExecutionResult succeeded(Json result) {
    return new ExecutionResult.Succeeded(result, true, Duration.ofMillis(245));
  }

  static Plugin plugin(PluginId id, String name, PluginState state) {
    var schema = new LinkedHashMap<String, ConfigSchema.Setting>();
    schema.put(
        "sides",
        new ConfigSchema.Setting(
            ConfigSchema.ValueType.INTEGER,
            false,
            "6",
            "How many sides",
            false,
            List.of("6", "20"),
            2.0,
            100.0,
            null));
    return new Plugin(
        id,
        TenantId.DEFAULT,
        new PluginManifest(
            name,
            new Version("1.0.0"),
            "Rolls dice",
            "Ada",
            "ada@example.org",
            "MIT",
            PluginType.EXTENSION,
            new EntryPoint("main.py", "Dice"),
            List.of("requests>=2.31.0"),
            EnumSet.of(Permission.CHAT_ACCESS),
            EnumSet.of(Permission.NETWORK_ACCESS),
            ResourceLimits.DEFAULT,
            new ConfigSchema(schema),
            EnumSet.of(Hook.ON_COMMAND),
            List.of(new Command("/roll", "Roll", "/roll [NdM]")),
            List.of("api.example.com"),
            "",
            ">=3.9",
            ""),
        state,
        state instanceof PluginState.Enabled
            ? new WorkerState.Running(THEN)
            : new WorkerState.Stopped(),
        "sha256-" + "0".repeat(64),
        isolationOfProcess(),
        THEN,
        THEN);
  }

  static Isolation isolationOfProcess() {
    return new Isolation(
        "process",
        List.of("seccomp", "memory_limit"),
        List.of(new Isolation.Missing("landlock", "The kernel has none.", "Use Linux 5.13.")),
        List.of(new Isolation.Finding("swap", true, "there is no swap", "")));
  }

  void log(String message) {
    var record = new LogRecord(log.size() + 1L, THEN, "INFO", "logging", "main", message);
    log.add(record);
    followers.forEach(follower -> follower.accept(record));
  }

  @Override
  public Plugin install(InstallSource source, Json given, InstallProgress progress) {
    switch (source) {
      case InstallSource.Archive archive -> {
        try {
          archives.add(Files.readAllBytes(archive.path()));
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
        installs.add(archive.fileName() + " " + given);
      }
      case InstallSource.Url _ ->
          throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Installing from a URL is to come.");
      case InstallSource.Marketplace _ -> throw new AssertionError();
    }
    progress.onStep("read", "reading");
    onInstall.run();
    progress.onStep("register", "registering");
    var id = new PluginId("plugin_" + (plugins.size() + 122));
    Plugin plugin = plugin(id, "my-plugin", new PluginState.Installed());
    plugins.put(id, plugin);
    return plugin;
  }

  private Plugin change(PluginId id, PluginState state) {
    Plugin plugin = plugin(id, info(id).manifest().name(), state);
    plugins.put(id, plugin);
    return plugin;
  }

  @Override
  public Plugin enable(PluginId id) {
    if (enableFailure != null) {
      throw enableFailure;
    }
    return change(id, new PluginState.Enabled());
  }

  @Override
  public Plugin disable(PluginId id) {
    return change(id, new PluginState.Disabled());
  }

  @Override
  public CompletableFuture<ExecutionResult> executeAsync(ExecutionRequest request) {
    if (!plugins.containsKey(request.plugin())) {
      return CompletableFuture.completedFuture(
          new ExecutionResult.Failed(notFound(request.plugin()), Duration.ZERO));
    }
    return onExecute.apply(request);
  }

  private static PluginException notFound(PluginId id) {
    return new PluginException(ErrorCode.PLUGIN_NOT_FOUND, "There is no plugin '" + id + "'.");
  }

  @Override
  public List<Plugin> list(StatusFilter filter) {
    return plugins.values().stream().filter(plugin -> filter.accepts(plugin.state())).toList();
  }

  @Override
  public Plugin info(PluginId id) {
    Plugin plugin = plugins.get(id);
    if (plugin == null) {
      throw notFound(id);
    }
    return plugin;
  }

  @Override
  public Plugin update(PluginId id, InstallSource source, InstallProgress progress) {
    progress.onStep("read", "reading");
    return info(id);
  }

  @Override
  public void uninstall(PluginId id) {
    var _ = info(id);
    plugins.remove(id);
  }

  @Override
  public PluginConfig config(PluginId id) {
    return new PluginConfig(info(id).manifest().configSchema(), settings, settings);
  }

  @Override
  public PluginConfig configure(PluginId id, Json given) {
    settings = given;
    return config(id);
  }

  @Override
  public PluginHealth health(PluginId id) {
    return new PluginHealth(
        "healthy", "", info(id).worker(), THEN, Json.of("{\"status\": \"healthy\"}"), 1);
  }

  @Override
  public List<LogRecord> logs(PluginId id, long after, int limit) {
    var _ = info(id);
    List<LogRecord> later =
        new ArrayList<>(log.stream().filter(record -> record.sequence() > after).toList());
    return later.subList(Math.max(0, later.size() - limit), later.size());
  }

  @Override
  public AutoCloseable followLogs(PluginId id, Consumer<LogRecord> consumer, Runnable ended) {
    var _ = info(id);
    followers.add(consumer);
    return () -> followers.remove(consumer);
  }

  @Override
  public PluginStats stats(PluginId id) {
    var _ = info(id);
    return new PluginStats(
        "running",
        12.5,
        10L << 20,
        3,
        5L << 20,
        0.25,
        100,
        200,
        7,
        2,
        1,
        1.5,
        2.5,
        3.5,
        1,
        60.25,
        new PluginStats.Limits(100, 512L << 20, 128, 256L << 20, 30));
  }

  @Override
  public List<ErrorGroup> errors(PluginId id) {
    var _ = info(id);
    return List.copyOf(errors);
  }

  @Override
  public void clearErrors(PluginId id) {
    var _ = info(id);
    errors.clear();
  }

  @Override
  public Readiness readiness() {
    return readiness;
  }

  @Override
  public Isolation isolation() {
    return isolationOfProcess();
  }
}
