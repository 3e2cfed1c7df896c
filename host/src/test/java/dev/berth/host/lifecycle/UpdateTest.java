package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.Archives.echo;
import static dev.berth.host.lifecycle.Archives.plugin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.InstallProgress;
import dev.berth.api.Json;
import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.WorkerState;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Updates and settings. */
class UpdateTest extends HostTestBase {
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
}
