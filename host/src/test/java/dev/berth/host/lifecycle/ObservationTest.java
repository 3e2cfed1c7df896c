package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.Archives.echo;
import static dev.berth.host.lifecycle.Archives.plugin;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.InstallProgress;
import dev.berth.api.Json;
import dev.berth.api.LogRecord;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What is seen of a plugin: logs, health, stats. */
class ObservationTest extends HostTestBase {
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
