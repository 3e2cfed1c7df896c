package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.api.SandboxExit;
import dev.berth.channel.Fault;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What is kept of errors, and who looks after a worker that answers nothing. */
class SupervisorHealthTest extends SupervisorTestBase {
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
    Worker none = plugin.overruling("disabled", () -> withdraw(new PluginState.Disabled()));
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
