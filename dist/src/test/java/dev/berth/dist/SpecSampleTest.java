package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The specification's own plugin, as printed there, with its three dependencies. */
class SpecSampleTest {
  @TempDir Path folder;

  @Test
  void installs_wants_its_setting_runs_and_reports_that_it_has_no_network() {
    try (var berth = new RunningBerth(folder.resolve("data"))) {
      Answer installed =
          berth.upload("/api/plugins/install", Pack.tar(Fixtures.specSample(), folder));
      Assumptions.assumeFalse(
          installed.status() >= 400 && installed.code().equals("dependency_index_unreachable"),
          "no package index can be reached from here");
      assertThat(installed.status()).as(installed.body()).isBetween(200, 201);
      String id = installed.json().path("plugin_id").asString();

      Answer early = berth.post("/api/plugins/" + id + "/enable");
      assertThat(early.status()).as(early.body()).isEqualTo(409);
      assertThat(early.code()).isEqualTo("config_missing");
      assertThat(early.detail()).contains("api_key").contains("berth config");

      Answer configured =
          berth.put("/api/plugins/" + id + "/config", "{\"api_key\":\"sesame-open-now\"}");
      assertThat(configured.status()).as(configured.body()).isEqualTo(200);
      Answer enabled = berth.post("/api/plugins/" + id + "/enable");
      assertThat(enabled.status()).as(enabled.body()).isEqualTo(200);

      Answer answer = berth.execute(id, "{\"message\":\"Hello\",\"user\":\"john_doe\"}");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      assertThat(answer.json().path("success").asBoolean()).isFalse();
      assertThat(answer.json().at("/result/error").asString()).isNotBlank();

      Answer health = berth.get("/api/plugins/" + id + "/health");
      assertThat(health.status()).isEqualTo(200);
      assertThat(berth.get("/api/plugins/" + id + "/logs").body())
          .contains("Plugin initialized: MyPlugin");
    }
  }
}
