package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.Archives.echo;
import static dev.berth.host.lifecycle.Archives.plugin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.WorkerState;
import dev.berth.host.store.PluginRow;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Enabling: what it leaves behind when it fails. */
class EnableTest extends HostTestBase {
  private PluginException startFailure(String main) {
    PluginId id = install(plugin("broken", "1.0.0", main));
    List<PluginRow> before = rows();
    PluginException error = refused(() -> host.plugins.enable(id));
    assertThat(host.plugins.info(id).state()).isEqualTo(new PluginState.Installed());
    assertThat(host.plugins.info(id).worker()).isEqualTo(new WorkerState.Stopped());
    assertThat(rows()).isEqualTo(before);
    host.plugins.uninstall(id);
    host.assertConsistent();
    return error;
  }

  @Test
  void a_start_that_fails_says_why_and_changes_nothing() {
    PluginException imports = startFailure("import dicelib\nclass P: pass\n");
    assertThat(imports.code()).isEqualTo(ErrorCode.PLUGIN_IMPORT_ERROR);
    assertThat(imports.getMessage())
        .contains("dicelib")
        .contains("main.py")
        .contains("requirements.txt must name it");
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

  // ---- A start that is given up ----

  /** One that has not come up by the time any test is over. */
  private static final String SLOW =
      """
      import asyncio

      class P:
          def __init__(self, config): pass
          async def initialize(self):
              print("begun", flush=True)
              await asyncio.sleep(600)
          async def execute(self, context): return {}
      """;

  /** What {@code work} is refused with, which waits for a worker of {@link #SLOW}. */
  private CompletableFuture<PluginException> waiting(PluginId id, Runnable work) throws Exception {
    var begun = new CountDownLatch(1);
    try (var _ =
        host.plugins.followLogs(
            id,
            record -> {
              if (record.message().equals("begun")) {
                begun.countDown();
              }
            })) {
      var refused = CompletableFuture.supplyAsync(() -> refused(work));
      assertThat(begun.await(30, TimeUnit.SECONDS)).isTrue();
      return refused;
    }
  }

  private PluginId slow() {
    return install(plugin("slow", "1.0.0", SLOW).manifest("resources:\n  timeout_seconds: 600"));
  }

  @Test
  void a_host_that_closes_gives_up_an_enable_which_then_has_changed_nothing() throws Exception {
    PluginId id = slow();
    List<PluginRow> before = rows();
    var enable = waiting(id, () -> host.plugins.enable(id));
    host.host.drain();
    assertThat(enable.get(30, TimeUnit.SECONDS).code()).isEqualTo(ErrorCode.SHUTTING_DOWN);
    assertThat(refused(() -> host.plugins.enable(id)).code()).isEqualTo(ErrorCode.SHUTTING_DOWN);
    reopen();
    assertThat(rows()).isEqualTo(before);
    host.assertConsistent();
  }

  @Test
  void a_host_that_closes_waits_until_what_it_gave_up_is_undone() throws Exception {
    PluginId id = slow();
    List<PluginRow> before = rows();
    var enable = waiting(id, () -> host.plugins.enable(id));
    reopen();
    assertThat(enable).isCompleted();
    assertThat(enable.join().code()).isEqualTo(ErrorCode.SHUTTING_DOWN);
    assertThat(rows()).isEqualTo(before);
    host.assertConsistent();
  }

  @Test
  void an_enable_that_hangs_ends_with_a_disable() throws Exception {
    PluginId id = slow();
    var enable = waiting(id, () -> host.plugins.enable(id));
    assertThat(host.plugins.disable(id).state()).isEqualTo(new PluginState.Installed());
    PluginException error = enable.get(30, TimeUnit.SECONDS);
    assertThat(error.code()).isEqualTo(ErrorCode.CANCELLED);
    assertThat(error.getMessage())
        .isEqualTo(
            "slow (" + id + ") was disabled while it was being enabled: its start was given up.");
    assertThat(host.plugins.info(id).worker()).isEqualTo(new WorkerState.Stopped());
    assertThat(host.plugins.errors(id)).isEmpty();
    host.assertConsistent();
  }

  @Test
  void an_enable_that_hangs_ends_with_an_uninstall() throws Exception {
    PluginId id = slow();
    var enable = waiting(id, () -> host.plugins.enable(id));
    host.plugins.uninstall(id);
    assertThat(enable.get(30, TimeUnit.SECONDS).getMessage()).contains("was uninstalled while");
    assertThat(rows()).isEmpty();
    host.assertConsistent();
  }

  @Test
  void an_update_that_hangs_ends_with_a_disable_and_not_with_another_update() throws Exception {
    PluginId id = enabled(echo("slow", "1.0.0"));
    var archive = plugin("slow", "2.0.0", SLOW).packed(folder);
    Runnable update =
        () -> {
          var _ = host.plugins.update(id, archive, InstallProgress.NONE);
        };
    var first = waiting(id, update);
    assertThat(refused(update).code()).isEqualTo(ErrorCode.PLUGIN_BUSY);
    assertThat(first).isNotDone();
    assertThat(host.plugins.disable(id).state()).isEqualTo(new PluginState.Disabled());
    assertThat(first.get(30, TimeUnit.SECONDS).getMessage())
        .contains("was disabled while it was being updated")
        .endsWith("Version 1.0.0 of slow (" + id + ") stays in place.");
    host.assertConsistent();
  }

  // ---- A registry that can't be written ----

  @Test
  void an_enable_that_the_registry_does_not_take_has_changed_nothing() throws Exception {
    PluginId id = install(echo("dice", "1.0.0"));
    List<PluginRow> before = rows();
    try (Connection other = locked()) {
      assertThat(refused(() -> host.plugins.enable(id)).code())
          .isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(host.plugins.info(id).worker()).isEqualTo(new WorkerState.Stopped());
      other.rollback();
    }
    assertThat(rows()).isEqualTo(before);
    assertThat(host.plugins.enable(id).state()).isEqualTo(new PluginState.Enabled());
    host.assertConsistent();
  }

  @Test
  void a_start_that_fails_says_so_whether_the_registry_took_it_or_not() throws Exception {
    PluginId id = install(plugin("broken", "1.0.0", "import dicelib\nclass P: pass\n"));
    List<PluginRow> before = rows();
    try (Connection other = locked()) {
      assertThat(refused(() -> host.plugins.enable(id)).code())
          .isEqualTo(ErrorCode.PLUGIN_IMPORT_ERROR);
      other.rollback();
    }
    assertThat(rows()).isEqualTo(before);
  }

  private List<PluginRow> rows() {
    return host.host.rooms().store().registry().all();
  }

  /** Keeps everybody else from writing until it is rolled back. */
  private Connection locked() throws SQLException {
    Connection other =
        DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("data").resolve("berth.db"));
    other.setAutoCommit(false);
    try (Statement statement = other.createStatement()) {
      statement.executeUpdate("UPDATE plugin SET name = name");
    }
    return other;
  }

  // ---- plugins/manifest.json ----

  @Test
  void the_readable_copy_follows_by_itself() throws Exception {
    PluginId id = enabled(echo("dice", "1.0.0"));
    Path copy = folder.resolve("data").resolve("plugins").resolve("manifest.json");
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (!(Files.exists(copy) && Files.readString(copy).contains("\"enabled\""))) {
      assertThat(System.nanoTime()).as("it does not follow").isLessThan(end);
      Thread.onSpinWait();
    }
    host.plugins.disable(id);
    host.close();
    assertThat(Files.readString(copy)).as("closed at once").contains("\"disabled\"");
  }
}
