package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginId;
import dev.berth.channel.WorkerChannels;
import dev.berth.host.install.LocalWheels;
import dev.berth.host.store.JournalObserver;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The main job with workers outside any sandbox: what holds here doesn't hang on the sandbox. */
class PlainHostTest {
  @TempDir Path folder;

  private PlainSandbox sandbox;
  private HostFixture host;

  @BeforeEach
  void open() {
    sandbox = new PlainSandbox(folder);
    host = new HostFixture(folder.resolve("data"), sandbox);
  }

  @AfterEach
  void close() {
    host.close();
    sandbox.close();
  }

  @Test
  void a_plugin_lives_is_updated_dies_and_lives_again() {
    PluginId id =
        host.plugins
            .install(
                Archives.plugin(
                        "dice",
                        "1.0.0",
                        """
                        import os

                        class P:
                            def __init__(self, config): pass
                            def execute(self, context):
                                if context.get("die"): os._exit(7)
                                return {"version": 1}
                        """)
                    .packed(folder))
            .id();
    host.plugins.enable(id);
    assertThat(host.result(id, "{}")).isEqualTo("{\"version\":1}");
    var died = host.failure(id, "{\"die\":true}");
    assertThat(died.code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    assertThat(died.details()).isEqualTo(Map.of("reason", "exit", "exit_code", 7));
    assertThat(host.result(id, "{}")).isEqualTo("{\"version\":1}");
    host.plugins.update(id, Archives.echo("dice", "2.0.0").packed(folder), InstallProgress.NONE);
    assertThat(host.result(id, "{}")).contains("\"version\":\"2.0.0\"");
    host.plugins.uninstall(id);
    host.assertConsistent();
  }

  @Test
  void dependencies_that_somebody_deleted_are_fetched_again() throws Exception {
    host.close();
    host =
        new HostFixture(
            folder.resolve("data"),
            sandbox,
            new Lifecycle.Parts(
                HostFixture.BRISK,
                WorkerChannels::open,
                JournalObserver.NONE,
                LocalWheels.of(folder.resolve("index"), "berth_numbers", "1.5")));
    PluginId id =
        host.plugins
            .install(
                Archives.plugin(
                        "lottery",
                        "1.0.0",
                        """
                        import berth_numbers

                        class P:
                            def __init__(self, config): pass
                            def execute(self, context): return berth_numbers.VERSION
                        """)
                    .manifest("dependencies:\n  - berth-numbers>=1")
                    .packed(folder))
            .id();
    host.assertConsistent();
    String lock = host.host.rooms().dependencies().locks().iterator().next();
    host.host.rooms().dependencies().remove(lock);
    host.plugins.enable(id);
    assertThat(host.result(id, "{}")).isEqualTo("\"1.5\"");
    host.assertConsistent();
    host.plugins.uninstall(id);
    assertThat(host.host.rooms().dependencies().locks()).isEmpty();
    host.assertConsistent();
  }
}
