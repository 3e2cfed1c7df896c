package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import dev.berth.api.SandboxExit;
import dev.berth.api.TenantId;
import dev.berth.api.Version;
import dev.berth.api.WorkerState;
import dev.berth.channel.ChannelLimits;
import dev.berth.channel.Fault;
import dev.berth.host.HostSettings;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.store.PluginRow;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The state machine, against workers that do what the test says. */
class SupervisorTest {
  private static final PluginId ID = new PluginId("plugin_a");
  private static final Timings TIMINGS =
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
              3));

  @TempDir Path folder;

  private final FakeWorkers workers = new FakeWorkers();
  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final Timer timer = new Timer(background);
  private final AtomicLong pulseClock = new AtomicLong();
  private final Pulse pulse = new Pulse(pulseClock::get);
  private final LinkedBlockingQueue<PluginState.Failed> givenUp = new LinkedBlockingQueue<>();
  private Supervisor plugin;

  @BeforeEach
  void open() {
    var engine =
        new Engine(
            this::plan,
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
            new Semaphore(8));
    var log = new PluginLog(folder.resolve("log"), timer, background, Clock.systemUTC());
    var errors = new PluginErrors(folder.resolve("errors"), timer, Clock.systemUTC());
    plugin = new Supervisor(engine, row(new PluginState.Enabled()), log, errors);
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

  private static PluginRow row(PluginState state) {
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

  private LaunchPlan plan(PluginRow row) {
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

  private FakeWorker up() {
    plugin.settle();
    FakeWorker worker = workers.next();
    ExecutionResult warm = join(answered(worker, call("{}"), "0"));
    assertThat(warm).isInstanceOf(ExecutionResult.Succeeded.class);
    return worker;
  }

  private CompletableFuture<ExecutionResult> call(String context) {
    return plugin.execute(new ExecutionRequest(ID, Json.of(context)));
  }

  private CompletableFuture<ExecutionResult> call(Duration timeout) {
    return plugin.execute(
        new ExecutionRequest(ID, Json.EMPTY_OBJECT, timeout, ExecutionListener.NONE));
  }

  private static CompletableFuture<ExecutionResult> answered(
      FakeWorker by, CompletableFuture<ExecutionResult> call, String json) {
    given(by).answer(json);
    return call;
  }

  private static FakeWorker.Given given(FakeWorker worker) {
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

  private static ExecutionResult join(CompletableFuture<ExecutionResult> call) {
    return call.orTimeout(20, TimeUnit.SECONDS).join();
  }

  private static PluginException failure(CompletableFuture<ExecutionResult> call) {
    return ((ExecutionResult.Failed) join(call)).error();
  }

  // ---- Calls ----

  @Test
  void a_call_that_comes_before_the_worker_waits_for_it() {
    CompletableFuture<ExecutionResult> early = call("{\"n\":1}");
    assertThat(early).isNotDone();
    plugin.settle();
    FakeWorker worker = workers.next();
    FakeWorker.Given given = given(worker);
    assertThat(given.context()).isEqualTo(Json.of("{\"n\":1}"));
    given.answer("{\"rolled\":4}");
    assertThat(join(early).orThrow().result()).isEqualTo(Json.of("{\"rolled\":4}"));
    assertThat(plugin.observed()).isInstanceOf(WorkerState.Running.class);
    assertThat(plugin.stats().calls()).isEqualTo(1);
  }

  @Test
  void a_call_to_a_plugin_that_is_not_enabled_is_told_how_to_enable_it() {
    plugin.becomes(row(new PluginState.Installed()));
    PluginException error = failure(call("{}"));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);
    assertThat(error.getMessage())
        .isEqualTo("dice (plugin_a) is not enabled. `berth enable plugin_a` enables it.");
  }

  @Test
  void a_call_may_ask_for_less_time_than_the_plugin_has_and_never_gets_more() {
    FakeWorker worker = up();
    CompletableFuture<ExecutionResult> _ = call(Duration.ofSeconds(2));
    assertThat(given(worker).timeout()).isEqualTo(Duration.ofSeconds(2));
    CompletableFuture<ExecutionResult> _ = call(Duration.ofHours(2));
    assertThat(given(worker).timeout()).isEqualTo(Duration.ofSeconds(30));
  }

  @Test
  void a_call_that_waits_for_a_worker_fails_at_its_own_deadline() {
    PluginException error = failure(call(Duration.ofMillis(30)));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    assertThat(error.getMessage())
        .isEqualTo("dice (plugin_a) had no running worker within the call's time.");
    assertThat(plugin.waitingCalls()).isZero();
  }

  @Test
  void only_so_many_calls_wait() {
    List<CompletableFuture<ExecutionResult>> calls = new ArrayList<>();
    for (int i = 0; i < WaitingRoom.PLACES; i++) {
      calls.add(call("{}"));
    }
    assertThat(failure(call("{}")).code()).isEqualTo(ErrorCode.PLUGIN_OVERLOADED);
    assertThat(calls).allSatisfy(call -> assertThat(call).isNotDone());
    calls.getFirst().cancel(true);
    assertThat(call("{}")).isNotDone();
  }

  @Test
  void cancelling_a_call_cancels_it_in_the_worker() {
    FakeWorker worker = up();
    CompletableFuture<ExecutionResult> call = call("{}");
    FakeWorker.Given given = given(worker);
    assertThat(call.cancel(true)).isTrue();
    assertThat(given.answer()).isCancelled();
    assertThat(plugin.running().inFlight()).isZero();
  }

  @Test
  void a_call_is_in_flight_no_longer_when_its_caller_has_the_answer() {
    FakeWorker worker = up();
    CompletableFuture<Integer> then = call("{}").thenApply(_ -> plugin.running().inFlight());
    given(worker).answer("1");
    assertThat(then.orTimeout(20, TimeUnit.SECONDS).join()).isZero();
  }

  // ---- Crashes ----

  @Test
  void calls_in_flight_learn_why_the_worker_died_and_the_next_call_is_answered() {
    FakeWorker first = up();
    CompletableFuture<ExecutionResult> lost = call("{}");
    given(first);
    first.crash(new SandboxExit.Exited(3));
    PluginException error = failure(lost);
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(error.getMessage())
        .isEqualTo(
            "dice (plugin_a) crashed: its worker exited with status 3. It is being started"
                + " again.");
    assertThat(error.details()).isEqualTo(Map.of("reason", "exit", "exit_code", 3));
    CompletableFuture<ExecutionResult> next = call("{}");
    FakeWorker second = workers.next();
    assertThat(second.spec.generation()).isGreaterThan(first.spec.generation());
    assertThat(join(answered(second, next, "1")).orThrow().result()).isEqualTo(Json.of("1"));
    assertThat(plugin.stats().restarts()).isEqualTo(1);
  }

  @Test
  void a_worker_that_dies_of_a_call_before_it_is_seen_to_be_sent_has_had_it() {
    FakeWorker first = up();
    first.onGiven = () -> first.crash(new SandboxExit.Exited(3));
    PluginException error = failure(call("{}"));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(error.details()).isEqualTo(Map.of("reason", "exit", "exit_code", 3));
    FakeWorker second = workers.next();
    assertThat(join(answered(second, call("{}"), "1")).orThrow().result()).isEqualTo(Json.of("1"));
    assertThat(second.all).hasSize(1);
  }

  @Test
  void the_reason_may_come_after_the_sockets_end() {
    FakeWorker worker = up();
    worker.exitsOnKill = false;
    CompletableFuture<ExecutionResult> lost = call("{}");
    given(worker);
    worker.endSocket();
    worker.exited.complete(new SandboxExit.OutOfMemory(512L << 20));
    PluginException error = failure(lost);
    assertThat(error.getMessage()).contains("went over its memory limit of 512 MiB");
    assertThat(error.details())
        .isEqualTo(Map.of("reason", "oom", "limit", "memory_mb", "limit_value", 512L));
  }

  @Test
  void a_reason_that_does_not_come_holds_nobody() {
    FakeWorker worker = up();
    worker.exitsOnKill = false;
    CompletableFuture<ExecutionResult> lost = call("{}");
    given(worker);
    worker.endSocket();
    assertThat(failure(lost).details()).isEqualTo(Map.of("reason", "unknown"));
    assertThat(workers.next()).isNotSameAs(worker);
  }

  @Test
  void a_worker_that_does_not_give_up_a_cancelled_call_is_replaced() {
    FakeWorker worker = up();
    CompletableFuture<ExecutionResult> other = call("{}");
    given(worker);
    worker.listener.onUnresponsive(
        new PluginException(ErrorCode.PLUGIN_TIMEOUT, "call 7 was not given up"));
    assertThat(failure(other).details()).containsEntry("reason", "timeout");
    assertThat(worker.exited).isCompleted();
    assertThat(workers.next()).isNotSameAs(worker);
  }

  @Test
  void a_start_that_is_over_can_not_be_given_up() {
    FakeWorker first = up();
    // As an operation does that comes right after the calls were handed over.
    workers.script = worker -> worker.onCall = plugin::giveUpAttempt;
    CompletableFuture<ExecutionResult> lost = call("{}");
    given(first);
    first.crash(new SandboxExit.Exited(3));
    assertThat(failure(lost).code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    CompletableFuture<ExecutionResult> next = call("{}");
    FakeWorker second = workers.next();
    second.initialized.complete(FakeWorkers.HELLO);
    assertThat(join(answered(second, next, "1")).orThrow().result()).isEqualTo(Json.of("1"));
    assertThat(second.exited).isNotDone();
  }

  @Test
  void a_worker_that_may_stand_still_gets_calls_again_when_it_shows_a_sign_of_life() {
    FakeWorker worker = up();
    worker.silent(true);
    CompletableFuture<ExecutionResult> waits = call("{}");
    assertThat(plugin.waitingCalls()).isEqualTo(1);
    assertThat(worker.calls).isEmpty();
    worker.silent(false);
    assertThat(join(answered(worker, waits, "1")).orThrow().result()).isEqualTo(Json.of("1"));
    assertThat(join(answered(worker, call("{}"), "2")).orThrow().result()).isEqualTo(Json.of("2"));
  }

  @Test
  void no_call_goes_down_with_a_worker_that_stood_still_already() {
    FakeWorker worker = up();
    worker.silent(true);
    CompletableFuture<ExecutionResult> waits = call("{}");
    worker.listener.onUnresponsive(
        new PluginException(ErrorCode.PLUGIN_TIMEOUT, "call 7 was not given up"));
    FakeWorker second = workers.next();
    assertThat(join(answered(second, waits, "1")).orThrow().result()).isEqualTo(Json.of("1"));
    worker.silent(false);
    assertThat(join(answered(second, call("{}"), "2")).orThrow().result()).isEqualTo(Json.of("2"));
  }

  @Test
  void RUN_12_repeated_crashes_turn_the_plugin_failed_and_calls_are_told_why() throws Exception {
    FakeWorker worker = up();
    for (int crash = 1; crash < 5; crash++) {
      worker.crash(new SandboxExit.Killed(11));
      worker = workers.next();
      ExecutionResult _ = join(answered(worker, call("{}"), "0"));
    }
    worker.crash(new SandboxExit.Killed(11));
    PluginState.Failed failed = givenUp.poll(20, TimeUnit.SECONDS);
    assertThat(failed.reason())
        .startsWith("it crashed 5 times within 60 s. The last time: ")
        .contains("was killed by signal 11");
    PluginException error = failure(call("{}"));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_FAILED);
    assertThat(error.getMessage())
        .contains("it crashed 5 times within 60 s")
        .contains("`berth enable plugin_a` tries again");
    assertThat(workers.noneStarted()).isTrue();
  }

  @Test
  void RUN_12_a_plugin_that_never_comes_up_fails_after_three_tries_and_waiting_calls_are_told()
      throws Exception {
    workers.script =
        worker ->
            worker.initialized.completeExceptionally(
                new PluginException(
                    ErrorCode.PLUGIN_IMPORT_ERROR,
                    "no module named dicelib",
                    Map.of("traceback", "Traceback: line 3"),
                    null));
    CompletableFuture<ExecutionResult> waiting = call("{}");
    plugin.settle();
    assertThat(failure(waiting).code()).isEqualTo(ErrorCode.PLUGIN_FAILED);
    assertThat(givenUp.poll(20, TimeUnit.SECONDS).reason())
        .startsWith("it did not start 3 times in a row. The last time: no module named dicelib")
        .endsWith("Traceback: line 3");
    assertThat(workers.all).hasSize(3).allSatisfy(w -> assertThat(w.exited).isCompleted());
    assertThat(plugin.observed()).isEqualTo(new WorkerState.Stopped());
  }

  @Test
  void trouble_of_the_host_does_not_fail_the_plugin() {
    workers.refusal = new PluginException(ErrorCode.STORE_UNAVAILABLE, "no store");
    CompletableFuture<ExecutionResult> patient = call("{}");
    plugin.settle();
    PluginException error = failure(call(Duration.ofMillis(500)));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    assertThat(error.getMessage()).endsWith("What happened last: no store");
    assertThat(givenUp).isEmpty();
    workers.refusal = null;
    assertThat(join(answered(workers.next(), patient, "1")).orThrow().success()).isTrue();
  }

  @Test
  void without_a_sandbox_calls_are_refused_at_once_until_there_is_one() {
    workers.refusal = new PluginException(ErrorCode.SANDBOX_UNAVAILABLE, "no engine");
    CompletableFuture<ExecutionResult> early = call("{}");
    plugin.settle();
    assertThat(failure(early).getMessage()).isEqualTo("no engine");
    assertThat(failure(call("{}")).code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
    assertThat(givenUp).isEmpty();
    workers.refusal = null;
    var worker = workers.next();
    while (plugin.running() == null) {
      Thread.onSpinWait(); // from being started to taking calls
    }
    assertThat(join(answered(worker, call("{}"), "1")).orThrow().success()).isTrue();
  }

  @Test
  void a_worker_that_dies_while_it_starts_fails_the_start_with_its_reason() {
    workers.script = worker -> worker.crash(new SandboxExit.Killed(11));
    assertThatThrownBy(this::launch)
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
              assertThat(e.getMessage())
                  .isEqualTo("dice (plugin_a) did not start: its worker was killed by signal 11.");
            });
  }

  private Worker launch() {
    return plugin.launch(plan(row(new PluginState.Enabled())), new Launcher.Attempt());
  }

  // ---- Operations ----

  @Test
  void an_operation_that_finds_another_under_way_waits_briefly_and_is_told_what_it_is()
      throws Exception {
    var begun = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    background.execute(() ->
        plugin.exclusively(
            "updated",
            () -> {
              begun.countDown();
              try {
                return go.await(20, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            }));
    begun.await();
    assertThatThrownBy(() -> plugin.exclusively("disabled", () -> 1))
        .isInstanceOf(PluginException.class)
        .hasMessage("dice (plugin_a) is being updated. Try again when that is done.");
    go.countDown();
  }

  @Test
  void an_operation_does_not_wait_for_a_start_that_hangs() {
    workers.script = _ -> {};
    plugin.settle();
    FakeWorker hangs = workers.next();
    Worker none = plugin.exclusively("disabled", () -> withdraw(new PluginState.Disabled()));
    assertThat(none).isNull();
    assertThat(hangs.exited).isCompleted();
    assertThat(failure(call("{}")).code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);
  }

  @Test
  void a_worker_that_could_not_be_isolated_says_what_failed() {
    workers.script =
        worker -> {
          worker.failure = "could not apply Landlock: no";
          worker.crash(new SandboxExit.Killed(9));
        };
    assertThatThrownBy(this::launch)
        .hasMessage("dice (plugin_a) did not start: its worker could not apply Landlock: no.");
  }

  @Test
  void a_start_given_up_for_an_operation_that_fails_is_taken_up_again() {
    workers.script = _ -> {};
    plugin.settle();
    workers.next();
    workers.script = worker -> worker.initialized.complete(FakeWorkers.HELLO);
    assertThatThrownBy(() ->
            plugin.exclusively(
                "updated",
                () -> {
                  throw new PluginException(ErrorCode.MANIFEST_INVALID, "no");
                }))
        .hasMessage("no");
    CompletableFuture<ExecutionResult> call = call("{}");
    assertThat(join(answered(workers.next(), call, "1")).orThrow().success()).isTrue();
    assertThat(givenUp).isEmpty();
  }

  private Worker withdraw(PluginState state) {
    return plugin.withdraw(row(state), null);
  }

  @Test
  void a_stopped_worker_finishes_its_calls_cleans_up_and_takes_no_new_one() throws Exception {
    FakeWorker fake = up();
    CompletableFuture<ExecutionResult> running = call("{}");
    FakeWorker.Given given = given(fake);
    Worker worker = withdraw(new PluginState.Disabled());
    assertThat(plugin.observed()).isEqualTo(new WorkerState.Draining());
    assertThat(failure(call("{}")).code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);
    var stopped =
        CompletableFuture.runAsync(
            () -> worker.stop(Duration.ofSeconds(20), Duration.ofSeconds(1), cut()), background);
    assertThat(fake.shutDown).isNotDone();
    given.answer("{\"late\":true}");
    stopped.get(20, TimeUnit.SECONDS);
    assertThat(join(running).orThrow().result()).isEqualTo(Json.of("{\"late\":true}"));
    assertThat(fake.shutDown).isCompleted();
    assertThat(fake.exited).isCompletedWithValue(new SandboxExit.Exited(0));
    assertThat(workers.noneStarted()).isTrue();
  }

  private static PluginException cut() {
    return new PluginException(ErrorCode.CANCELLED, "cut off");
  }

  @Test
  void RUN_10_a_worker_that_ignores_everything_is_killed() {
    FakeWorker fake = up();
    fake.exitsOnShutdown = false;
    CompletableFuture<ExecutionResult> stuck = call("{}");
    given(fake);
    fake.exitsOnKill = false;
    Worker worker = withdraw(new PluginState.Disabled());
    var killed =
        CompletableFuture.runAsync(
            () -> worker.stop(Duration.ofMillis(20), Duration.ofMillis(20), cut()), background);
    assertThat(fake.shutDown.orTimeout(20, TimeUnit.SECONDS))
        .succeedsWithin(Duration.ofSeconds(20));
    fake.exited.complete(new SandboxExit.Killed(9));
    killed.join();
    assertThat(failure(stuck).getMessage()).isEqualTo("cut off");
  }

  @Test
  void CRA_12_a_takeover_loses_no_call() throws Exception {
    FakeWorker old = up();
    CompletableFuture<ExecutionResult> onOld = call("{}");
    FakeWorker.Given given = given(old);
    workers.script =
        worker -> {
          worker.initialized.complete(FakeWorkers.HELLO);
        };
    var next = launch();
    Worker before = plugin.takeOver(next);
    FakeWorker young = workers.next();
    CompletableFuture<ExecutionResult> onYoung = call("{}");
    assertThat(join(answered(young, onYoung, "2")).orThrow().result()).isEqualTo(Json.of("2"));
    var stopped =
        CompletableFuture.runAsync(
            () -> before.stop(Duration.ofSeconds(20), Duration.ofSeconds(1), cut()), background);
    given.answer("1");
    assertThat(join(onOld).orThrow().result()).isEqualTo(Json.of("1"));
    stopped.get(20, TimeUnit.SECONDS);
    assertThat(plugin.running()).isSameAs(next);
    assertThat(workers.noneStarted()).isTrue();
  }

  @Test
  void a_worker_that_was_dead_before_it_took_over_is_replaced_like_any_other() {
    Worker dead = launch();
    workers.next().crash(new SandboxExit.Exited(1));
    assertThat(plugin.takeOver(dead)).isNull();
    CompletableFuture<ExecutionResult> call = call("{}");
    assertThat(join(answered(workers.next(), call, "1")).orThrow().success()).isTrue();
  }

  @Test
  void a_plugin_at_its_end_takes_neither_calls_nor_operations_nor_workers() {
    Worker late = launch();
    var end = new PluginException(ErrorCode.SHUTTING_DOWN, "closing");
    assertThat(plugin.withdraw(plugin.row(), end)).isNull();
    assertThat(failure(call("{}"))).isSameAs(end);
    assertThatThrownBy(() -> plugin.exclusively("enabled", () -> 1)).isSameAs(end);
    assertThatThrownBy(() -> plugin.takeOver(late)).isSameAs(end);
    assertThat(workers.next().exited).isCompleted();
  }

  // ---- Errors ----

  private List<String> errors() {
    return plugin.errors().list().stream()
        .map(group ->
            group.count()
                + " "
                + group.kind().wireName()
                + " "
                + group.version()
                + ": "
                + group.message())
        .toList();
  }

  @Test
  void a_crash_is_counted_once_however_many_calls_it_took_with_it() {
    FakeWorker worker = up();
    CompletableFuture<ExecutionResult> one = call("{}");
    CompletableFuture<ExecutionResult> other = call("{}");
    given(worker);
    given(worker);
    worker.crash(new SandboxExit.Killed(11));
    assertThat(failure(one).code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(failure(other).code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(errors())
        .containsExactly("1 plugin_crashed 1.0.0: its worker was killed by signal 11");
  }

  @Test
  void what_a_worker_says_before_it_is_up_belongs_to_its_start() {
    workers.script =
        worker -> {
          worker.listener.onFault(Fault.of(ErrorCode.PLUGIN_IMPORT_ERROR, "no module named x"));
          worker.initialized.completeExceptionally(
              new PluginException(ErrorCode.PLUGIN_IMPORT_ERROR, "did not start"));
        };
    assertThatThrownBy(this::launch).isInstanceOf(PluginException.class);
    assertThatThrownBy(this::launch).isInstanceOf(PluginException.class);
    assertThat(errors()).containsExactly("2 plugin_import_error 1.0.0: no module named x");

    workers.script = worker -> worker.initialized.complete(FakeWorkers.HELLO);
    launch();
    workers.all.getLast().listener.onFault(Fault.of(ErrorCode.PLUGIN_TIMEOUT, "too slow"));
    assertThat(errors()).startsWith("1 plugin_timeout 1.0.0: too slow").hasSize(2);
  }

  @Test
  void neither_a_start_that_was_given_up_nor_one_that_the_host_failed_is_the_plugins_error() {
    workers.script = _ -> {};
    plugin.settle();
    FakeWorker hangs = workers.next();
    Worker none = plugin.exclusively("disabled", () -> withdraw(new PluginState.Disabled()));
    assertThat(none).isNull();
    assertThat(hangs.exited).isCompleted();
    workers.refusal = new PluginException(ErrorCode.SANDBOX_UNAVAILABLE, "no engine");
    assertThatThrownBy(this::launch).isSameAs(workers.refusal);
    assertThat(errors()).isEmpty();
  }

  // ---- Health ----

  private static CompletableFuture<Json> asked(FakeWorker worker) {
    try {
      return worker.healthChecks.poll(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private static PluginException unanswered() {
    return new PluginException(ErrorCode.PLUGIN_TIMEOUT, "no answer");
  }

  @Test
  void a_worker_that_misses_three_health_checks_is_replaced() {
    workers.script = worker -> worker.initialized.complete(FakeWorkers.HELLO_WITH_HEALTH);
    FakeWorker worker = up();
    asked(worker).complete(Json.of("{\"status\":\"healthy\"}"));
    for (int miss = 0; miss < 3; miss++) {
      asked(worker).completeExceptionally(unanswered());
    }
    assertThat(workers.next()).isNotSameAs(worker);
    assertThat(worker.exited).isCompleted();
  }

  @Test
  void CRA_11_a_check_missed_while_the_host_stood_still_does_not_count() {
    workers.script = worker -> worker.initialized.complete(FakeWorkers.HELLO_WITH_HEALTH);
    FakeWorker worker = up();
    pulseClock.set(Duration.ofSeconds(5).toNanos()); // no beat for five seconds
    for (int miss = 0; miss < 10; miss++) {
      asked(worker).completeExceptionally(unanswered());
    }
    assertThat(worker.exited).isNotDone();
    assertThat(workers.noneStarted()).isTrue();
  }

  @Test
  void a_plugin_that_says_it_is_unhealthy_is_shown_so_and_kept() {
    workers.script = worker -> worker.initialized.complete(FakeWorkers.HELLO_WITH_HEALTH);
    FakeWorker worker = up();
    var ill = Json.of("{\"status\":\"unhealthy\",\"message\":\"no database\"}");
    asked(worker).complete(ill);
    CompletableFuture<Json> _ = asked(worker); // The first one is taken in when the second is sent.
    var health = plugin.health().last();
    assertThat(health.healthy()).isFalse();
    assertThat(health.message()).isEqualTo("no database");
    assertThat(health.report()).isEqualTo(ill);
    assertThat(worker.exited).isNotDone();
  }
}
