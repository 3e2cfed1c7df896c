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
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What follows when workers die or do not start. */
class SupervisorCrashTest extends SupervisorTestBase {
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
    // An operation that comes right after the calls were handed over.
    workers.script = worker -> worker.onCall = () -> plugin.overruling("configured", () -> 1);
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
  void an_operation_that_ends_beside_a_crash_does_not_decide_what_follows_from_it()
      throws Exception {
    FakeWorker worker = up();
    for (int crash = 1; crash < 5; crash++) {
      worker.crash(new SandboxExit.Killed(11));
      worker = workers.next();
      ExecutionResult _ = join(answered(worker, call("{}"), "0"));
    }
    var another = new CountDownLatch(1);
    workers.script = _ -> another.countDown();
    CompletableFuture<Boolean> restarted =
        call("{}")
            .thenApply( // As soon as the crash is known, on the thread that deals with it.
                _ -> {
                  int _ = plugin.exclusively("configured", _ -> 1);
                  return isReached(another);
                });
    given(worker);
    worker.crash(new SandboxExit.Killed(11));
    assertThat(restarted.get(20, TimeUnit.SECONDS)).isFalse();
    assertThat(givenUp.poll(20, TimeUnit.SECONDS)).isNotNull();
  }

  private static boolean isReached(CountDownLatch latch) {
    try {
      return latch.await(300, TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
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
  void a_fault_of_ours_is_told_of_and_tried_again_with_pauses() {
    workers.refusal = new IllegalStateException("a fault");
    plugin.settle();
    PluginException error = failure(call(Duration.ofMillis(1000)));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    assertThat(error.getMessage())
        .contains("dice (plugin_a) could not be started")
        .contains("a fault");
    assertThat(plugin.lastFailure()).contains("a fault");
    assertThat(plugin.log().read(0, 100)).anyMatch(line -> line.message().contains("a fault"));
    assertThat(givenUp).isEmpty();
    assertThat(workers.refusals.get()).isBetween(2, 100); // each 16 ms at most
    workers.refusal = null;
    assertThat(join(answered(workers.next(), call("{}"), "1")).orThrow().success()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(names = {"SANDBOX_UNAVAILABLE", "SANDBOX_TOO_WEAK", "IMAGE_NOT_ALLOWED"})
  void without_a_sandbox_calls_are_refused_at_once_until_there_is_one(ErrorCode why) {
    workers.refusal = new PluginException(why, "no engine");
    CompletableFuture<ExecutionResult> early = call("{}");
    plugin.settle();
    assertThat(failure(early).getMessage()).isEqualTo("no engine");
    assertThat(failure(call("{}")).code()).isEqualTo(why);
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
}
