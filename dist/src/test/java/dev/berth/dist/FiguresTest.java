package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** What a plugin is said to use is what it uses, and stands beside what it may use. */
@Timeout(180)
@RootOnly("without root not every figure can be had")
final class FiguresTest {
  private static final String MAIN =
      """
      import time

      class P:
          def __init__(self, config):
              self.kept = []

          def execute(self, context):
              if context["do"] == "fail":
                  raise ValueError("as told")
              if context["do"] == "burn":
                  end = time.process_time() + 1.2
                  while time.process_time() < end:
                      pass
              if context["do"] == "keep":
                  self.kept.append(bytearray(b"x" * (40 << 20)))
              if context["do"] == "write":
                  with open("/data/file", "wb") as f:
                      f.write(b"x" * (6 << 20))
              return {}
      """;

  @TempDir Path folder;

  @ParameterizedTest
  @EnumSource(Kinds.class)
  void figures_follow_what_a_plugin_does(Kinds kind) {
    String yaml = "resources: {memory_mb: 192, timeout_seconds: 20}\n";
    try (var berth = new RunningBerth(folder.resolve("data"), Hostings.data(kind.hosting(), 16))) {
      String id = berth.running(Pack.plugin(folder, "figures", "1.0.0", yaml, MAIN));
      JsonNode before = stats(berth, id);
      does(berth, id, "burn", 200);
      JsonNode burnt = stats(berth, id);
      does(berth, id, "keep", 200);
      does(berth, id, "write", 200);
      does(berth, id, "fail", 502);
      JsonNode after = stats(berth, id);

      assertThat(before.path("name").asString()).isEqualTo("figures");
      assertThat(before.path("status").asString()).isEqualTo("running");
      assertThat(before.path("memory_usage_mb").asDouble()).isBetween(0.5, 60.0);
      assertThat(before.path("pids").asInt()).isBetween(1, 16);
      assertThat(burnt.path("cpu_usage").asDouble()).isBetween(20.0, 130.0);
      assertThat(
              after.path("memory_usage_mb").asDouble() - before.path("memory_usage_mb").asDouble())
          .isBetween(38.0, 70.0);
      assertThat(after.path("disk_usage_mb").asDouble() - before.path("disk_usage_mb").asDouble())
          .isBetween(5.5, 7.0);
      assertThat(after.path("calls").asInt()).isEqualTo(4);
      assertThat(after.path("errors").asInt()).isEqualTo(1);
      assertThat(after.path("p99_ms").asDouble()).isGreaterThan(1000);
      assertThat(after.path("uptime_seconds").asDouble()).isGreaterThan(1);
      JsonNode limits = after.path("limits");
      assertThat(limits.path("cpu_usage").asDouble()).isEqualTo(100);
      assertThat(limits.path("memory_usage_mb").asDouble()).isEqualTo(192);
      assertThat(limits.path("disk_usage_mb").asDouble()).isEqualTo(16);
      assertThat(limits.path("pids").asInt()).isEqualTo(128);
      assertThat(limits.path("timeout_seconds").asInt()).isEqualTo(20);

      JsonNode all = berth.get("/api/stats").json();
      assertThat(all.path("plugins")).hasSize(1);
      assertThat(all.path("plugins").get(0).path("calls").asInt()).isEqualTo(4);
      JsonNode host = all.path("host");
      assertThat(host.path("cpus").asInt()).isPositive();
      assertThat(host.path("memory_available_mb").asDouble())
          .isBetween(1.0, host.path("memory_total_mb").asDouble());
      assertThat(host.path("server_heap_mb").asDouble()).isPositive();

      String metrics = berth.get("/metrics").body();
      String labels = "\\{name=\"figures\",plugin=\"" + id + "\"\\} ";
      assertThat(metrics)
          .containsPattern("berth_plugin_calls_total" + labels + "4\\.0")
          .containsPattern("berth_plugin_errors_total" + labels + "1\\.0")
          .containsPattern("berth_plugin_memory_limit_bytes" + labels + "2\\.01326592E8")
          .containsPattern("berth_plugin_disk_bytes" + labels + "[67][0-9]{6}\\.0")
          .containsPattern("berth_plugin_throttled_seconds_total" + labels)
          .containsPattern("berth_plugin_network_sent_bytes_total" + labels + "0\\.0");
    }
  }

  private static JsonNode stats(RunningBerth berth, String id) {
    return berth.get("/api/plugins/" + id + "/stats").json();
  }

  private static void does(RunningBerth berth, String id, String what, int status) {
    assertThat(berth.execute(id, "{\"do\":\"" + what + "\"}").status()).as(what).isEqualTo(status);
  }
}
