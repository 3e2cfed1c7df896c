package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ConfigSchema;
import dev.berth.api.EntryPoint;
import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginManifest;
import dev.berth.api.PluginState;
import dev.berth.api.PluginType;
import dev.berth.api.ResourceLimits;
import dev.berth.api.TenantId;
import dev.berth.api.Version;
import dev.berth.channel.ChannelLimits;
import dev.berth.host.HostSettings;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.store.PluginRow;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A supervisor whose workers do what the test says, for the tests that extend it. */
abstract class SupervisorTestBase {
  static final PluginId ID = new PluginId("plugin_a");
  static final Timings TIMINGS =
      new Timings(
          Duration.ofSeconds(10),
          Duration.ofMillis(300),
          Duration.ofMillis(200),
          Duration.ofMillis(100),
          Duration.ofMillis(100),
          Duration.ofMillis(20),
          Duration.ofMillis(20),
          new RestartPolicy.Limits(
              Duration.ofMillis(20),
              Duration.ofMillis(100),
              Duration.ofSeconds(60),
              5,
              Duration.ofSeconds(60),
              3,
              Duration.ofMillis(100)));

  @TempDir Path folder;

  final FakeWorkers workers = new FakeWorkers();
  final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  final Timer timer = new Timer(background);
  final AtomicLong pulseClock = new AtomicLong();
  final Pulse pulse = new Pulse(pulseClock::get);
  final LinkedBlockingQueue<PluginState.Failed> givenUp = new LinkedBlockingQueue<>();
  Engine engine;
  Supervisor plugin;

  @BeforeEach
  void open() {
    engine =
        new Engine(
            (row, _) -> plan(row),
            new Launcher(
                workers,
                null,
                workers,
                Networks.open(folder.resolve("egress"), HostSettings.Egress.DEFAULT),
                ChannelLimits.DEFAULT,
                TIMINGS,
                background),
            (row, state) -> {
              givenUp.add(state);
              return Rows.with(row, state, Instant.EPOCH);
            },
            TIMINGS,
            timer,
            pulse,
            background,
            new Starts(1, Duration.ofMillis(20), timer),
            new Pace(timer));
    plugin = supervise(row(new PluginState.Enabled()));
  }

  Supervisor supervise(PluginRow row) {
    return new Supervisor(
        engine,
        row,
        new PluginLog(folder.resolve(row.id() + ".log"), timer, background, Clock.systemUTC()),
        new PluginErrors(folder.resolve(row.id() + ".errors"), timer, Clock.systemUTC()));
  }

  /** Another plugin, which is to run. */
  Supervisor another() {
    return supervise(
        new PluginRow(
            new PluginId("plugin_b"),
            TenantId.DEFAULT,
            "cards",
            "1.0.0",
            "sha256-0",
            null,
            new PluginState.Enabled(),
            1,
            Instant.EPOCH,
            Instant.EPOCH));
  }

  @AfterEach
  void close() {
    timer.close();
    for (FakeWorker worker : workers.all) {
      worker.exitsOnKill = true;
      worker.kill();
    }
    background.close();
  }

  static PluginRow row(PluginState state) {
    return new PluginRow(
        ID,
        TenantId.DEFAULT,
        "dice",
        "1.0.0",
        "sha256-0",
        null,
        state,
        0,
        Instant.EPOCH,
        Instant.EPOCH);
  }

  LaunchPlan plan(PluginRow row) {
    var manifest =
        new PluginManifest(
            row.name(),
            new Version(row.version()),
            "",
            "",
            "",
            "",
            PluginType.EXTENSION,
            new EntryPoint("main.py", "Dice"),
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
    return new LaunchPlan(
        row,
        new StoredPackage("sha256-0", folder, manifest, Json.EMPTY_OBJECT, List.of()),
        null,
        folder.resolve("data"),
        1 << 20,
        List.of(),
        Json.EMPTY_OBJECT);
  }

  FakeWorker up() {
    plugin.settle();
    FakeWorker worker = workers.next();
    ExecutionResult warm = join(answered(worker, call("{}"), "0"));
    assertThat(warm).isInstanceOf(ExecutionResult.Succeeded.class);
    return worker;
  }

  CompletableFuture<ExecutionResult> call(String context) {
    return plugin.execute(new ExecutionRequest(ID, Json.of(context)));
  }

  CompletableFuture<ExecutionResult> call(Duration timeout) {
    return plugin.execute(
        new ExecutionRequest(ID, Json.EMPTY_OBJECT, timeout, ExecutionListener.NONE));
  }

  static CompletableFuture<ExecutionResult> answered(
      FakeWorker by, CompletableFuture<ExecutionResult> call, String json) {
    given(by).answer(json);
    return call;
  }

  static FakeWorker.Given given(FakeWorker worker) {
    try {
      FakeWorker.Given given = worker.calls.poll(20, TimeUnit.SECONDS);
      if (given == null) {
        throw new AssertionError("the worker was given no call");
      }
      return given;
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  static ExecutionResult join(CompletableFuture<ExecutionResult> call) {
    return call.orTimeout(20, TimeUnit.SECONDS).join();
  }

  static PluginException failure(CompletableFuture<ExecutionResult> call) {
    return ((ExecutionResult.Failed) join(call)).error();
  }

  Worker launch() {
    return plugin.launch(plan(row(new PluginState.Enabled())), new Launcher.Attempt());
  }

  static PluginException cut() {
    return new PluginException(ErrorCode.CANCELLED, "cut off");
  }

  Worker withdraw(PluginState state) {
    return plugin.withdraw(row(state), null);
  }
}
