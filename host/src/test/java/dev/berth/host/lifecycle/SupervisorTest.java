package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.api.SandboxExit;
import dev.berth.api.WorkerState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;

/** The state machine: calls, and operations on it. */
class SupervisorTest extends SupervisorTestBase {
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

  // ---- Operations ----

  @Test
  void an_operation_that_finds_another_under_way_waits_briefly_and_is_told_what_it_is()
      throws Exception {
    var begun = new CountDownLatch(1);
    var go = new CountDownLatch(1);
    background.execute(() ->
        plugin.exclusively(
            "updated",
            _ -> {
              begun.countDown();
              try {
                return go.await(20, TimeUnit.SECONDS);
              } catch (InterruptedException e) {
                throw new AssertionError(e);
              }
            }));
    begun.await();
    assertThatThrownBy(() -> plugin.overruling("disabled", () -> 1))
        .isInstanceOf(PluginException.class)
        .hasMessage("dice (plugin_a) is being updated. Try again when that is done.");
    go.countDown();
  }

  @Test
  void an_operation_does_not_wait_for_a_start_that_hangs() {
    workers.script = _ -> {};
    plugin.settle();
    FakeWorker hangs = workers.next();
    Worker none = plugin.overruling("disabled", () -> withdraw(new PluginState.Disabled()));
    assertThat(none).isNull();
    assertThat(hangs.exited).isCompleted();
    assertThat(failure(call("{}")).code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);
  }

  @Test
  void what_ends_running_ends_the_start_of_whoever_waited_before_it_too() throws Exception {
    workers.script = _ -> {};
    CompletableFuture<Throwable> first = starting("enabled");
    FakeWorker hangs = workers.next();
    CompletableFuture<Throwable> second = starting("updated");
    plugin.overruling("disabled", () -> withdraw(new PluginState.Disabled()));
    assertThat(first.get(10, TimeUnit.SECONDS)).hasMessageContaining("was disabled");
    assertThat(second.get(10, TimeUnit.SECONDS)).hasMessageContaining("was disabled");
    assertThat(hangs.exited).isCompleted();
    assertThat(workers.all).allMatch(worker -> worker.exited.isDone());
  }

  /** Begins an operation that starts a worker, and goes on when it has the lock or waits for it. */
  private CompletableFuture<Throwable> starting(String what) {
    var failure = new CompletableFuture<Throwable>();
    var begun = new AtomicBoolean();
    Thread thread =
        Thread.ofPlatform()
            .start(() -> {
              try {
                plugin.exclusively(
                    what,
                    attempt -> {
                      begun.set(true);
                      return plugin.launch(plan(plugin.row()), attempt);
                    });
                failure.completeExceptionally(new AssertionError("it was started"));
              } catch (PluginException e) {
                failure.complete(e);
              }
            });
    while (!begun.get() && thread.getState() != Thread.State.TIMED_WAITING) {
      Thread.onSpinWait();
    }
    return failure;
  }

  @Test
  void a_plugin_that_takes_long_to_initialise_does_not_keep_others_from_starting() {
    workers.script = _ -> {};
    plugin.settle();
    FakeWorker slow = workers.next();
    another().settle();
    assertThat(workers.next()).isNotSameAs(slow);
    assertThat(slow.initialized).isNotDone();
  }

  @Test
  void a_restart_that_finds_an_operation_under_way_leaves_its_turn_to_others() throws Exception {
    Supervisor other = another();
    FakeWorker second =
        plugin.exclusively(
            "updated",
            _ -> {
              CompletableFuture.runAsync(plugin::reconcile, background).join();
              other.settle();
              return workers.next();
            });
    assertThat(second.spec.plugin()).isEqualTo(other.id());
    assertThat(workers.next().spec.plugin()).as("taken up then").isEqualTo(ID);
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
                _ -> {
                  throw new PluginException(ErrorCode.MANIFEST_INVALID, "no");
                }))
        .hasMessage("no");
    CompletableFuture<ExecutionResult> call = call("{}");
    assertThat(join(answered(workers.next(), call, "1")).orThrow().success()).isTrue();
    assertThat(givenUp).isEmpty();
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

  @Test
  void a_call_that_a_stop_cuts_off_is_told_why() {
    FakeWorker fake = up();
    CompletableFuture<ExecutionResult> slow = call("{}");
    given(fake);
    withdraw(new PluginState.Disabled()).stop(Duration.ofMillis(20), Duration.ofSeconds(1), cut());
    assertThat(fake.exited).isCompletedWithValue(new SandboxExit.Exited(0));
    assertThat(failure(slow).getMessage()).isEqualTo("cut off");
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
    assertThatThrownBy(() -> plugin.exclusively("enabled", _ -> 1)).isSameAs(end);
    assertThatThrownBy(() -> plugin.takeOver(late)).isSameAs(end);
    assertThat(workers.next().exited).isCompleted();
  }
}
