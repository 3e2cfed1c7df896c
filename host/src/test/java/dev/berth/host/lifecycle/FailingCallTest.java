package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.Archives.plugin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Calls that go wrong. */
class FailingCallTest extends HostTestBase {
  private static final String ODD =
      """
      import asyncio, os, signal, time

      class P:
          def __init__(self, config): pass
          async def execute(self, context):
              what = context.get("do")
              if what == "raise": raise ValueError("no dice")
              if what == "exit": os._exit(3)
              if what == "segv": os.kill(os.getpid(), signal.SIGSEGV)
              if what == "eat":
                  hoard = []
                  while True: hoard.append(bytearray(8 << 20))
              if what == "sleep": await asyncio.sleep(context["for"])
              if what == "block": time.sleep(context["for"])
              if what == "child":
                  if os.fork() == 0:
                      os.setsid()
                      if os.fork() == 0: time.sleep(1000)
                      os._exit(0)
              return {"pid": os.getpid()}
      """;

  @Test
  void a_plugin_that_raises_gives_its_traceback() {
    PluginId id = enabled(plugin("odd", "1.0.0", ODD));
    PluginException error = host.failure(id, "{\"do\":\"raise\"}");
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_ERROR);
    assertThat(error.getMessage()).contains("ValueError: no dice");
    assertThat(host.plugins.stats(id).errors()).isEqualTo(1);
    assertThat(host.plugins.stats(id).restarts()).isZero();
  }

  @Test
  void a_plugin_that_dies_in_a_call_tells_why_and_answers_the_next_one() throws Exception {
    PluginId id = enabled(plugin("odd", "1.0.0", ODD));
    CompletableFuture<ExecutionResult> beside =
        host.plugins.executeAsync(
            new ExecutionRequest(id, Json.of("{\"do\":\"sleep\",\"for\":60}")));
    PluginException exit = host.failure(id, "{\"do\":\"exit\"}");
    assertThat(exit.code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(exit.details()).isEqualTo(Map.of("reason", "exit", "exit_code", 3));
    assertThat(exit.getMessage())
        .isEqualTo(
            "odd ("
                + id
                + ") crashed: its worker exited with status 3. It is being started again.");
    var other = (ExecutionResult.Failed) beside.get(30, TimeUnit.SECONDS);
    assertThat(other.error().code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(host.result(id, "{}")).contains("pid");
    PluginException signal = host.failure(id, "{\"do\":\"segv\"}");
    assertThat(signal.details()).isEqualTo(Map.of("reason", "signal", "signal", 11));
    assertThat(host.result(id, "{}")).contains("pid");
    assertThat(host.plugins.stats(id).restarts()).isEqualTo(2);
  }

  @Test
  void RUN_02_a_plugin_that_eats_too_much_memory_is_told_its_limit() {
    PluginId id = enabled(plugin("odd", "1.0.0", ODD).manifest("resources:\n  memory_mb: 64"));
    PluginException error = host.failure(id, "{\"do\":\"eat\"}");
    if (host.plugins.isolation().enforced().contains("memory_limit")) {
      assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
      assertThat(error.details())
          .isEqualTo(Map.of("reason", "oom", "limit", "memory_mb", "limit_value", 64L));
    } else {
      // Without a control group the address space is bounded, and Python says so itself.
      assertThat(error.getMessage()).contains("MemoryError");
    }
    assertThat(host.result(id, "{}")).contains("pid");
  }

  @Test
  void a_call_past_its_time_fails_and_one_that_will_not_be_cancelled_costs_the_worker() {
    PluginId id = enabled(plugin("odd", "1.0.0", ODD));
    ExecutionResult late = host.call(id, "{\"do\":\"sleep\",\"for\":60}", Duration.ofMillis(200));
    assertThat(((ExecutionResult.Failed) late).error().code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    assertThat(host.plugins.stats(id).restarts()).isZero();
    String before = host.result(id, "{}");
    ExecutionResult stuck = host.call(id, "{\"do\":\"block\",\"for\":600}", Duration.ofMillis(200));
    assertThat(((ExecutionResult.Failed) stuck).error().code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    // This one waits until the worker is replaced.
    assertThat(host.result(id, "{}")).isEqualTo(before);
    assertThat(host.plugins.stats(id).restarts()).isEqualTo(1);
  }

  @Test
  void a_call_past_its_time_is_told_whose_time_it_was() {
    PluginId id = enabled(plugin("odd", "1.0.0", ODD).manifest("resources:\n  timeout_seconds: 1"));
    PluginException own = host.failure(id, "{\"do\":\"sleep\",\"for\":60}");
    assertThat(own.getMessage())
        .endsWith(
            " did not answer within 1 s. It met the limit timeout_seconds, 1 s. Make it faster, or"
                + " raise resources.timeout_seconds in plugin.yaml; the operator's own maximum is"
                + " --max-timeout.");
    assertThat(own.details()).containsEntry("limit", "timeout_seconds");
    host.result(id, "{}"); // It has shown a sign of life, so the next call need not wait for one.
    var callers =
        (ExecutionResult.Failed)
            host.call(id, "{\"do\":\"sleep\",\"for\":60}", Duration.ofMillis(200));
    assertThat(callers.error().code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    assertThat(callers.error().getMessage())
        .endsWith(
            " did not answer within 0.2 s. That is what its caller gave it by timeout_seconds; the"
                + " plugin's own limit is 1 s.");
    assertThat(callers.error().details()).doesNotContainKey("limit");
  }

  @Test
  void RUN_11_no_grandchild_survives_a_disable() throws Exception {
    PluginId id = enabled(plugin("odd", "1.0.0", ODD));
    host.result(id, "{\"do\":\"child\"}");
    long pid = host.host.rooms().plugins().all().iterator().next().running().pid();
    List<ProcessHandle> processes =
        new ArrayList<>(ProcessHandle.of(pid).orElseThrow().descendants().toList());
    assertThat(processes).isNotEmpty();
    host.plugins.disable(id);
    assertThat(processes).noneMatch(ProcessHandle::isAlive);
  }
}
