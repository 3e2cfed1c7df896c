package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.Plugin;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import dev.berth.channel.WorkerChannels;
import dev.berth.host.install.LocalWheels;
import dev.berth.host.store.JournalObserver;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
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
  @Timeout(120)
  void an_image_that_is_fetched_keeps_no_other_plugin_waiting_and_is_waited_for_by_enable()
      throws Exception {
    List<PluginId> fetching = new ArrayList<>(); // as many as may start at once
    for (int i = 0; i < Math.max(2, Runtime.getRuntime().availableProcessors()); i++) {
      fetching.add(
          toBeStarted(Archives.echo("fetched-" + i, "1.0.0").manifest("docker_image: far:1")));
    }
    PluginId plain = toBeStarted(Archives.echo("plain", "1.0.0"));
    host.close();
    sandbox.fetched = new CountDownLatch(1);
    host = new HostFixture(folder.resolve("data"), sandbox);
    awaitImages(fetching.size());
    assertThat(host.result(plain, "{}")).contains("1.0.0");
    var enabled = enabling(fetching.getFirst());
    awaitImages(1);
    var ended = enabling(fetching.getLast());
    awaitImages(1);
    host.plugins.disable(fetching.getLast());
    assertThatThrownBy(() -> ended.get(20, TimeUnit.SECONDS))
        .hasMessageContaining("was disabled while it was being enabled");
    assertThat(enabled).isNotDone();
    sandbox.fetched.countDown();
    assertThat(enabled.get(20, TimeUnit.SECONDS).state()).isEqualTo(new PluginState.Enabled());
    assertThat(host.result(fetching.getFirst(), "{}")).contains("1.0.0");
    assertThat(host.plugins.info(fetching.getLast()).state()).isEqualTo(new PluginState.Disabled());
    host.assertConsistent();
  }

  /** One that the next host has to start. */
  private PluginId toBeStarted(Archives.Source source) {
    PluginId id = host.plugins.install(source.packed(folder)).id();
    host.host
        .rooms()
        .store()
        .registry()
        .setState(TenantId.DEFAULT, id, new PluginState.Enabled(), Instant.now());
    return id;
  }

  private CompletableFuture<Plugin> enabling(PluginId id) {
    return CompletableFuture.supplyAsync(() -> host.plugins.enable(id), Thread::startVirtualThread);
  }

  private void awaitImages(int more) throws InterruptedException {
    assertThat(sandbox.awaited.tryAcquire(more, 20, TimeUnit.SECONDS)).isTrue();
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
