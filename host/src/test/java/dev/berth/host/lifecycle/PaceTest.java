package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.SandboxExit;
import dev.berth.api.WorkerState;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Plugins that die again and again start one at a time, and nobody else waits for that. */
@Timeout(30)
final class PaceTest extends SupervisorTestBase {
  @Test
  void who_died_twice_waits_for_the_one_before_and_keeps_no_other_waiting() {
    Pace.Step before = engine.pace().take(() -> {});
    diesTwice();
    // Of turns there is one, and the start that waits had it.
    another().settle();
    assertThat(workers.next().spec.plugin()).isEqualTo(new PluginId("plugin_b"));
    assertThat(workers.noneStarted()).isTrue();
    while (plugin.log().read(0, 100).stream()
        .noneMatch(record -> record.message().startsWith("waits to be started"))) {
      Thread.onSpinWait();
    }
    before.close();
    assertThat(workers.next().spec.plugin()).isEqualTo(ID);
  }

  @Test
  void a_start_that_waits_is_given_up_for_an_operation_and_leaves_its_place() {
    Pace.Step before = engine.pace().take(() -> {});
    diesTwice();
    plugin.overruling("disabled", () -> withdraw(new PluginState.Disabled()));
    before.close();
    engine.pace().take(() -> {}).close();
    assertThat(workers.noneStarted()).isTrue();
  }

  @Test
  void however_short_a_start_was_nothing_of_the_kind_follows_for_half_a_second() {
    engine.pace().take(() -> {}).close();
    long over = System.nanoTime();
    engine.pace().take(() -> {}).close();
    assertThat(Duration.ofNanos(System.nanoTime() - over)).isGreaterThan(Duration.ofMillis(490));
  }

  @Test
  void an_operators_start_waits_too_and_can_be_given_up() throws Exception {
    Pace.Step before = engine.pace().take(() -> {});
    diesTwice();
    var begun = new CompletableFuture<Void>();
    var enabling =
        CompletableFuture.supplyAsync(
            () ->
                plugin.exclusively(
                    "enabled",
                    attempt -> {
                      begun.complete(null);
                      return plugin.launch(plan(plugin.row()), attempt);
                    }),
            background);
    begun.get(10, TimeUnit.SECONDS);
    plugin.endOperations(new PluginException(ErrorCode.SHUTTING_DOWN, "The end."));
    assertThatThrownBy(() -> enabling.get(10, TimeUnit.SECONDS)).hasMessageContaining("The end.");
    assertThat(workers.noneStarted()).isTrue();
    before.close();
    engine.pace().take(() -> {}).close();
  }

  /** Until its next start is under way. */
  private void diesTwice() {
    up().crash(new SandboxExit.Exited(3));
    FakeWorker second = workers.next();
    assertThat(join(answered(second, call("{}"), "1")).orThrow()).isNotNull();
    second.crash(new SandboxExit.Exited(3));
    while (!(plugin.observed() instanceof WorkerState.Starting)) {
      Thread.onSpinWait();
    }
  }
}
