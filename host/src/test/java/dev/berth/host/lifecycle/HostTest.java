package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.Archives.echo;
import static dev.berth.host.lifecycle.Archives.plugin;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
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
import dev.berth.host.store.PluginRow;
import dev.berth.sandbox.ProcessSandbox;
import dev.berth.sandbox.ProcessSandboxSettings;
import dev.berth.sandbox.Sandbox;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The whole host, with real workers in the real process sandbox. */
class HostTest {
  @TempDir Path folder;

  private static Sandbox sandbox;
  private HostFixture host;

  @BeforeAll
  static void openSandbox(@TempDir Path data) {
    sandbox = ProcessSandbox.open(ProcessSandboxSettings.of(data).withAllowWeak(true));
  }

  @AfterAll
  static void closeSandbox() {
    sandbox.close();
  }

  @BeforeEach
  void open() {
    host = new HostFixture(folder.resolve("data"), sandbox);
  }

  @AfterEach
  void close() {
    host.close();
  }

  private void reopen() {
    host.close();
    host = new HostFixture(folder.resolve("data"), sandbox);
  }

  private PluginId install(Archives.Source source) {
    return host.plugins.install(source.packed(folder)).id();
  }

  private PluginId enabled(Archives.Source source) {
    PluginId id = install(source);
    host.plugins.enable(id);
    return id;
  }

  private static PluginException refused(Runnable work) {
    return catchThrowableOfType(PluginException.class, work::run);
  }

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

  // ---- Starts that fail ----

  private PluginException startFailure(String main) {
    PluginId id = install(plugin("broken", "1.0.0", main));
    List<PluginRow> before = host.host.rooms().store().registry().all();
    PluginException error = refused(() -> host.plugins.enable(id));
    assertThat(host.plugins.info(id).state()).isEqualTo(new PluginState.Installed());
    assertThat(host.plugins.info(id).worker()).isEqualTo(new WorkerState.Stopped());
    assertThat(host.host.rooms().store().registry().all()).isEqualTo(before);
    host.plugins.uninstall(id);
    host.assertConsistent();
    return error;
  }

  @Test
  void a_start_that_fails_says_why_and_changes_nothing() {
    PluginException imports = startFailure("import dicelib\nclass P: pass\n");
    assertThat(imports.code()).isEqualTo(ErrorCode.PLUGIN_IMPORT_ERROR);
    assertThat(imports.getMessage()).contains("dicelib").contains("main.py");
    assertThat(startFailure("class P:\n  def execute(:\n").code())
        .isEqualTo(ErrorCode.PLUGIN_SYNTAX_ERROR);
    assertThat(startFailure("class Q:\n  def execute(self, context): pass\n").code())
        .isEqualTo(ErrorCode.PLUGIN_CLASS_MISSING);
    PluginException says =
        startFailure(
            """
            class P:
                def __init__(self, config): pass
                async def initialize(self): return False
                async def execute(self, context): return {}
            """);
    assertThat(says.code()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
    PluginException raises =
        startFailure(
            """
            class P:
                def __init__(self, config): pass
                async def initialize(self): raise RuntimeError("no api key")
                async def execute(self, context): return {}
            """);
    assertThat(raises.code()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
    assertThat(raises.getMessage()).contains("RuntimeError: no api key").contains("line 3");
  }

  @Test
  void RUN_12_a_plugin_that_kills_its_interpreter_at_import_says_by_which_signal() {
    PluginException error =
        startFailure("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n");
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
    assertThat(error.getMessage()).contains("was killed by signal 11");
    assertThat(error.details()).containsEntry("signal", 11);
  }

  // ---- Calls that go wrong ----

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

  // ---- Update and settings ----

  @Test
  void an_update_replaces_the_package_and_the_old_one_is_deleted() {
    PluginId id = enabled(echo("dice", "1.0.0"));
    Plugin updated =
        host.plugins.update(id, echo("dice", "2.0.0").packed(folder), InstallProgress.NONE);
    assertThat(updated.manifest().version().text()).isEqualTo("2.0.0");
    assertThat(updated.id()).isEqualTo(id);
    assertThat(host.result(id, "{}")).contains("\"version\":\"2.0.0\"");
    host.assertConsistent();
    reopen();
    assertThat(host.result(id, "{}")).contains("\"version\":\"2.0.0\"");
  }

  @Test
  void an_update_that_does_not_come_up_leaves_the_old_version_answering() {
    PluginId id = enabled(echo("dice", "1.0.0"));
    WorkerState before = host.plugins.info(id).worker();
    PluginException error =
        refused(() ->
            host.plugins.update(
                id,
                plugin("dice", "2.0.0", "import nothing_of_that_name\n").packed(folder),
                InstallProgress.NONE));
    assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_IMPORT_ERROR);
    assertThat(error.getMessage()).endsWith("\nVersion 1.0.0 of dice (" + id + ") stays in place.");
    assertThat(host.plugins.info(id).worker()).isEqualTo(before);
    assertThat(host.result(id, "{}")).contains("\"version\":\"1.0.0\"");
    host.assertConsistent();
  }

  @Test
  void an_update_to_another_name_is_refused() {
    PluginId id = install(echo("dice", "1.0.0"));
    PluginException error =
        refused(() ->
            host.plugins.update(id, echo("poker", "2.0.0").packed(folder), InstallProgress.NONE));
    assertThat(error.code()).isEqualTo(ErrorCode.BAD_REQUEST);
    assertThat(error.getMessage()).startsWith("This archive holds poker, and " + id + " is dice.");
    host.assertConsistent();
  }

  @Test
  void CRA_12_updates_under_load_drop_no_call() throws Exception {
    PluginId id = enabled(echo("dice", "1.0.0"));
    var stop = new AtomicBoolean();
    var answered = new AtomicInteger();
    var failures = new ConcurrentLinkedQueue<ExecutionResult>();
    try (var callers = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int i = 0; i < 4; i++) {
        callers.execute(() -> {
          while (!stop.get()) {
            ExecutionResult result = host.call(id, "{}");
            answered.incrementAndGet();
            if (!(result instanceof ExecutionResult.Succeeded)) {
              failures.add(result);
            }
          }
        });
      }
      for (int version = 2; version <= 8; version++) {
        host.plugins.update(
            id, echo("dice", version + ".0.0").packed(folder), InstallProgress.NONE);
        assertThat(host.result(id, "{}")).contains("\"version\":\"" + version + ".0.0\"");
      }
      stop.set(true);
    }
    assertThat(failures).isEmpty();
    assertThat(answered.get()).isPositive();
    host.assertConsistent();
  }

  private static final String SETTINGS =
      """
      config_schema:
        api_key:
          type: string
          required: true
          secret: true
        sides:
          type: integer
          default: 6
          minimum: 2
      """;

  @Test
  void settings_are_checked_stored_and_given_to_a_new_worker() {
    PluginId id = install(echo("dice", "1.0.0").manifest(SETTINGS));
    PluginException incomplete = refused(() -> host.plugins.enable(id));
    assertThat(incomplete.code()).isEqualTo(ErrorCode.CONFIG_MISSING);
    assertThat(incomplete.getMessage()).contains("api_key");
    host.plugins.configure(id, Json.of("{\"api_key\":\"s3cret-word\"}"));
    host.plugins.enable(id);
    assertThat(host.result(id, "{}"))
        .contains("\"config\":{\"api_key\":\"s3cret-word\",\"sides\":6}");
    assertThat(host.plugins.config(id).values().toString()).doesNotContain("s3cret-word");

    PluginException wrong = refused(() -> host.plugins.configure(id, Json.of("{\"sides\":1}")));
    assertThat(wrong.code()).isEqualTo(ErrorCode.CONFIG_INVALID);
    host.plugins.configure(id, Json.of("{\"sides\":20}"));
    assertThat(host.result(id, "{}")).contains("\"sides\":20").contains("s3cret-word");
    PluginException missing =
        refused(() -> host.plugins.configure(id, Json.of("{\"api_key\":null}")));
    assertThat(missing.code()).isEqualTo(ErrorCode.CONFIG_MISSING);
    assertThat(host.result(id, "{}")).contains("\"sides\":20").contains("s3cret-word");
    reopen();
    assertThat(host.result(id, "{}")).contains("\"sides\":20").contains("s3cret-word");
  }

  @Test
  void settings_that_do_not_fit_are_refused_at_install_and_nothing_is_registered() {
    PluginException error =
        refused(() ->
            host.plugins.install(
                echo("dice", "1.0.0").manifest(SETTINGS).packed(folder),
                Json.of("{\"sides\":\"many\",\"colour\":\"red\"}"),
                InstallProgress.NONE));
    assertThat(error.code()).isEqualTo(ErrorCode.CONFIG_INVALID);
    assertThat(error.getMessage()).contains("sides").contains("colour");
    host.assertConsistent();
  }

  @Test
  void settings_a_new_version_does_not_know_any_more_are_dropped_by_the_update() {
    PluginId id =
        host.plugins
            .install(
                echo("dice", "1.0.0").manifest(SETTINGS).packed(folder),
                Json.of("{\"api_key\":\"s3cret-word\",\"sides\":8}"),
                InstallProgress.NONE)
            .id();
    host.plugins.enable(id);
    host.plugins.update(
        id,
        echo("dice", "2.0.0")
            .manifest("config_schema:\n  sides:\n    type: integer\n")
            .packed(folder),
        InstallProgress.NONE);
    assertThat(host.result(id, "{}")).contains("\"config\":{\"sides\":8}");
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
    assertThat(codes).isSubsetOf(ErrorCode.PLUGIN_BUSY, ErrorCode.PLUGIN_NOT_FOUND);
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

  // ---- Logs, health, stats ----

  @Test
  void RUN_08_a_plugins_words_are_logged_escaped_and_without_its_secrets() throws Exception {
    PluginId id =
        host.plugins
            .install(
                plugin(
                        "chatty",
                        "1.0.0",
                        """
                        import logging, os
                        log = logging.getLogger("chat")

                        class P:
                            def __init__(self, config): self.key = config["api_key"]
                            async def execute(self, context):
                                if context: raise ValueError("not " + self.key)
                                print("printed", self.key)
                                log.warning("\\x1b[2Jlogged %s", self.key)
                                os.write(2, b"raw \\x07 " + self.key.encode() + b"\\n")
                                return {}
                        """)
                    .manifest(SETTINGS)
                    .packed(folder),
                Json.of("{\"api_key\":\"s3cret-word\"}"),
                InstallProgress.NONE)
            .id();
    var seen = new LinkedBlockingQueue<LogRecord>();
    try (AutoCloseable _ = host.plugins.followLogs(id, seen::add)) {
      host.plugins.enable(id);
      host.result(id, "{}");
      List<String> messages = new ArrayList<>();
      while (!messages.containsAll(
          List.of("printed ***", "\\u001b[2Jlogged ***", "raw \\u0007 ***"))) {
        LogRecord record = seen.poll(20, TimeUnit.SECONDS);
        assertThat(record).as("after %s", messages).isNotNull();
        messages.add(record.message());
      }
    }
    PluginException raised = host.failure(id, "{\"raise\":1}");
    assertThat(raised.getMessage()).contains("ValueError: not ***");
    assertThat(raised.details().get("traceback").toString())
        .contains("ValueError: not ***")
        .doesNotContain("s3cret-word");
    reopen();
    assertThat(host.plugins.logs(id, 0, 1000))
        .filteredOn(record -> record.message().endsWith("logged ***"))
        .singleElement()
        .satisfies(record -> {
          assertThat(record.level()).isEqualTo("WARNING");
          assertThat(record.source()).isEqualTo("logging");
          assertThat(record.logger()).isEqualTo("chat");
        });
  }

  @Test
  void health_is_what_the_plugin_says_and_stats_are_what_it_uses() {
    PluginId id =
        enabled(
            plugin(
                "well",
                "1.0.0",
                """
                class P:
                    def __init__(self, config): self.ill = False
                    async def execute(self, context):
                        self.ill = context.get("ill", False)
                        return {}
                    def health_check(self):
                        return {"status": "degraded" if self.ill else "healthy"}
                """));
    assertThat(host.plugins.health(id).status()).isEqualTo("healthy");
    assertThat(host.plugins.health(id).report()).isEqualTo(Json.of("{\"status\":\"healthy\"}"));
    host.result(id, "{\"ill\":true}");
    host.host.rooms().plugins().all().iterator().next().health().check().join();
    assertThat(host.plugins.health(id).status()).isEqualTo("unhealthy");
    var stats = host.plugins.stats(id);
    assertThat(stats.status()).isEqualTo("running");
    assertThat(stats.calls()).isEqualTo(1);
    assertThat(stats.p50Millis()).isPositive();
    assertThat(stats.uptimeSeconds()).isPositive();
    if (host.plugins.isolation().enforced().contains("memory_limit")) {
      assertThat(stats.memoryBytes()).isPositive();
      assertThat(stats.pids()).isPositive();
    }
    host.plugins.disable(id);
    assertThat(host.plugins.health(id).status()).isEqualTo("stopped");
  }

  @Test
  void progress_and_parts_reach_the_caller() {
    PluginId id =
        enabled(
            plugin(
                "slow",
                "1.0.0",
                """
                from berth import progress

                class P:
                    def __init__(self, config): pass
                    async def execute(self, context):
                        await progress(0.5, "half")
                        return {}
                """));
    var progress = new ConcurrentLinkedQueue<String>();
    host.plugins
        .execute(
            new ExecutionRequest(
                id,
                Json.EMPTY_OBJECT,
                null,
                new ExecutionListener() {
                  @Override
                  public void onProgress(Double fraction, String message) {
                    progress.add(fraction + " " + message);
                  }
                }))
        .orThrow();
    assertThat(progress).containsExactly("0.5 half");
  }

  @Test
  void a_ready_host_says_so_and_a_closed_one_says_why_not() {
    assertThat(host.plugins.readiness().ready()).isTrue();
    var plugins = host.plugins;
    host.close();
    assertThat(plugins.readiness().ready()).isFalse();
    assertThat(refused(() -> plugins.install(echo("late", "1.0.0").packed(folder))).code())
        .isEqualTo(ErrorCode.SHUTTING_DOWN);
    host = new HostFixture(folder.resolve("data"), sandbox);
  }
}
