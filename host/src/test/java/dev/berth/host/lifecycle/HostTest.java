package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.Archives.echo;
import static dev.berth.host.lifecycle.Archives.plugin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.LogRecord;
import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.StatusFilter;
import dev.berth.api.TenantId;
import dev.berth.api.WorkerState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** The main job, who is refused, how it ends, and many at once. */
class HostTest extends HostTestBase {
  // ---- The main job ----

  @Test
  void a_plugin_is_installed_enabled_called_disabled_and_uninstalled() {
    List<String> steps = new ArrayList<>();
    Plugin installed =
        host.plugins.install(
            echo("dice", "1.0.0").packed(folder), null, (step, _) -> steps.add(step));
    PluginId id = installed.id();
    assertThat(steps).containsExactly("read", "validate", "register");
    assertThat(installed.state()).isEqualTo(new PluginState.Installed());
    assertThat(installed.worker()).isEqualTo(new WorkerState.Stopped());
    assertThat(host.failure(id, "{}").code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);

    Plugin enabled = host.plugins.enable(id);
    assertThat(enabled.state()).isEqualTo(new PluginState.Enabled());
    assertThat(enabled.worker()).isInstanceOf(WorkerState.Running.class);
    assertThat(host.result(id, "{\"message\":\"hi\"}"))
        .isEqualTo("{\"version\":\"1.0.0\",\"context\":{\"message\":\"hi\"},\"config\":{}}");
    assertThat(host.plugins.list(StatusFilter.ENABLED)).extracting(Plugin::id).containsExactly(id);
    assertThat(host.plugins.enable(id).worker()).isEqualTo(enabled.worker());

    assertThat(host.plugins.disable(id).worker()).isEqualTo(new WorkerState.Stopped());
    assertThat(host.failure(id, "{}").code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);
    host.assertConsistent();

    host.plugins.uninstall(id);
    assertThat(host.failure(id, "{}").code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND);
    assertThat(host.plugins.list(StatusFilter.ALL)).isEmpty();
    host.assertConsistent();
  }

  @Test
  void enabled_plugins_are_enabled_again_after_a_restart_and_disabled_ones_are_not() {
    PluginId on = enabled(echo("lamp", "1.0.0"));
    PluginId off = enabled(echo("fan", "1.0.0"));
    host.plugins.disable(off);
    reopen();
    assertThat(host.result(on, "{}")).contains("1.0.0"); // waits for its worker
    assertThat(host.failure(off, "{}").code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED);
    assertThat(host.plugins.info(off).state()).isEqualTo(new PluginState.Disabled());
  }

  @Test
  void another_tenant_sees_nothing() {
    PluginId id = enabled(echo("dice", "1.0.0"));
    var other = host.host.service(new TenantId("other"));
    assertThat(other.list(StatusFilter.ALL)).isEmpty();
    assertThat(refused(() -> other.info(id)).code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND);
    assertThat(refused(() -> other.disable(id)).code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND);
    var called = other.execute(new ExecutionRequest(id, Json.EMPTY_OBJECT));
    assertThat(((ExecutionResult.Failed) called).error().code())
        .isEqualTo(ErrorCode.PLUGIN_NOT_FOUND);
  }

  // ---- Refused ----

  @Test
  void a_name_that_is_taken_is_refused_with_what_to_do() {
    PluginId id = install(echo("dice", "1.0.0"));
    PluginException error = refused(() -> install(echo("dice", "2.0.0")));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_EXISTS);
    assertThat(error.getMessage())
        .isEqualTo(
            "dice is installed already, in version 1.0.0 as %s. `berth update %s ARCHIVE` replaces"
                    .formatted(id, id)
                + " it by this one.");
    host.assertConsistent();
  }

  @Test
  void MAN_06_a_command_belongs_to_the_first_who_has_it() {
    install(echo("dice", "1.0.0").manifest("commands:\n  - name: /roll"));
    PluginException error =
        refused(() -> install(echo("poker", "1.0.0").manifest("commands:\n  - name: /roll")));
    assertThat(error.code()).isEqualTo(ErrorCode.COMMAND_CONFLICT);
    PluginId third = install(echo("third", "1.0.0"));
    PluginException onUpdate =
        refused(() ->
            host.plugins.update(
                third,
                echo("third", "2.0.0").manifest("commands:\n  - name: /roll").packed(folder),
                InstallProgress.NONE));
    assertThat(onUpdate.code()).isEqualTo(ErrorCode.COMMAND_CONFLICT);
    assertThat(host.plugins.info(third).manifest().version().text()).isEqualTo("1.0.0");
    host.assertConsistent();
  }

  @Test
  void a_python_that_will_not_do_is_refused_at_install() {
    PluginException error =
        refused(() -> install(echo("dice", "1.0.0").manifest("python_requires: \">=3.999\"")));
    assertThat(error.code()).isEqualTo(ErrorCode.PYTHON_VERSION_UNSUPPORTED);
    assertThat(error.getMessage()).contains(">=3.999");
    host.assertConsistent();
  }

  @Test
  void what_is_no_archive_leaves_no_trace() throws Exception {
    Path junk = Files.writeString(folder.resolve("junk.tar.gz"), "this is not an archive");
    PluginException error = refused(() -> host.plugins.install(new InstallSource.Archive(junk)));
    assertThat(error.code().wireName()).startsWith("archive_");
    host.assertConsistent();
  }

  @Test
  void a_context_that_is_no_object_and_an_id_that_is_none_are_refused() {
    PluginId id = enabled(echo("dice", "1.0.0"));
    assertThat(host.failure(id, "[1]").code()).isEqualTo(ErrorCode.CONTEXT_INVALID);
    assertThat(host.failure(new PluginId("plugin_none"), "{}").code())
        .isEqualTo(ErrorCode.PLUGIN_NOT_FOUND);
  }

  // ---- Stopping ----

  @Test
  void a_disabled_plugin_finishes_its_calls_and_cleans_up() throws Exception {
    PluginId id =
        enabled(
            plugin(
                "tidy",
                "1.0.0",
                """
                import asyncio

                class P:
                    def __init__(self, config): self.begun = asyncio.Event()
                    async def execute(self, context):
                        if context.get("wait"):
                            self.begun.set()
                            await asyncio.sleep(0.3)
                        else:
                            await self.begun.wait()
                        return {"done": True}
                    async def cleanup(self): print("swept")
                """));
    CompletableFuture<ExecutionResult> slow =
        host.plugins.executeAsync(new ExecutionRequest(id, Json.of("{\"wait\":true}")));
    host.result(id, "{}");
    host.plugins.disable(id);
    assertThat(slow.get(1, TimeUnit.SECONDS).orThrow().result())
        .isEqualTo(Json.of("{\"done\":true}"));
    assertThat(host.plugins.logs(id, 0, 100)).extracting(LogRecord::message).contains("swept");
  }

  @Test
  void an_install_right_after_an_uninstall_never_meets_the_old_worker() {
    for (int round = 1; round <= 5; round++) {
      PluginId id = enabled(echo("dice", round + ".0.0"));
      assertThat(host.result(id, "{}")).contains("\"version\":\"" + round + ".0.0\"");
      host.plugins.uninstall(id);
    }
    host.assertConsistent();
  }

  @Test
  void closing_the_host_cleans_up_and_keeps_what_the_operator_wants() {
    PluginId id =
        enabled(
            plugin(
                "tidy",
                "1.0.0",
                """
                class P:
                    def __init__(self, config): pass
                    async def execute(self, context): return {}
                    async def cleanup(self): print("swept")
                """));
    reopen();
    assertThat(host.plugins.logs(id, 0, 100)).extracting(LogRecord::message).contains("swept");
    assertThat(host.plugins.info(id).state()).isEqualTo(new PluginState.Enabled());
  }

  // ---- Many at once ----

  @Test
  void API_13_parallel_installs_of_one_name_have_one_winner() throws Exception {
    var winners = new ConcurrentLinkedQueue<Plugin>();
    var losers = new ConcurrentLinkedQueue<ErrorCode>();
    List<InstallSource> archives = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      archives.add(echo("dice", "1.0." + i).packed(folder));
    }
    atOnce(
        100,
        i -> {
          try {
            winners.add(host.plugins.install(archives.get(i % archives.size())));
          } catch (PluginException e) {
            losers.add(e.code());
          }
        });
    assertThat(winners).hasSize(1);
    assertThat(losers).hasSize(99).containsOnly(ErrorCode.PLUGIN_EXISTS);
    host.assertConsistent();
  }

  @Test
  void API_13_parallel_operations_on_one_plugin_exclude_each_other() throws Exception {
    PluginId id = install(echo("dice", "1.0.0"));
    InstallSource next = echo("dice", "2.0.0").packed(folder);
    var codes = new ConcurrentLinkedQueue<ErrorCode>();
    var uninstalled = new AtomicInteger();
    atOnce(
        100,
        i -> {
          try {
            switch (i % 5) {
              case 0 -> host.plugins.enable(id);
              case 1 -> host.plugins.disable(id);
              case 2 -> host.plugins.update(id, next, InstallProgress.NONE);
              case 3 -> host.plugins.configure(id, Json.EMPTY_OBJECT);
              default -> {
                if (i > 90) {
                  host.plugins.uninstall(id);
                  uninstalled.incrementAndGet();
                } else {
                  host.plugins.info(id);
                }
              }
            }
          } catch (PluginException e) {
            codes.add(e.code());
          }
        });
    // Cancelled: a start that a disable or an uninstall gave up.
    assertThat(codes)
        .isSubsetOf(ErrorCode.PLUGIN_BUSY, ErrorCode.PLUGIN_NOT_FOUND, ErrorCode.CANCELLED);
    assertThat(uninstalled.get()).isLessThanOrEqualTo(1);
    if (uninstalled.get() == 0) {
      host.plugins.uninstall(id);
    }
    host.assertConsistent();
    PluginId again = enabled(echo("dice", "3.0.0"));
    assertThat(host.result(again, "{}")).contains("3.0.0");
  }

  private interface Work {
    void run(int number);
  }

  private static void atOnce(int threads, Work work) throws InterruptedException {
    var begin = new CountDownLatch(1);
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < threads; i++) {
        int number = i;
        executor.execute(() -> {
          try {
            begin.await();
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
          work.run(number);
        });
      }
      begin.countDown();
    }
  }
}
