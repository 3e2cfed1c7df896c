package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The specification's own plugin, as printed there, with its three dependencies. */
class SpecSampleTest {
  @TempDir Path folder;

  /** Two of its dependencies are compiled, for the Python that is to import them. */
  @ParameterizedTest
  @EnumSource(names = {"PROCESS", "DOCKER"})
  void installs_wants_its_setting_runs_and_reaches_its_endpoint(Kinds kind) {
    try (var web = new LoopbackServer();
        var berth =
            new RunningBerth(
                folder.resolve("data"), Hostings.reaching(kind.hosting(), web.place()))) {
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
          berth.put(
              "/api/plugins/" + id + "/config",
              "{\"api_key\":\"sesame-open-now\",\"endpoint\":\"http://" + web.place() + "/api\"}");
      assertThat(configured.status()).as(configured.body()).isEqualTo(200);
      Answer enabled = berth.post("/api/plugins/" + id + "/enable");
      assertThat(enabled.status()).as(enabled.body()).isEqualTo(200);

      Answer answer = berth.execute(id, "{\"message\":\"Hello\",\"user\":\"john_doe\"}");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      assertThat(answer.json().path("success").asBoolean()).as(answer.body()).isTrue();
      assertThat(answer.json().at("/result/result").asString()).isEqualTo("done");
      assertThat(web.requests())
          .singleElement()
          .asString()
          .isEqualTo("POST /api " + web.place() + " {\"text\": \"Hello\"}");

      Answer health = berth.get("/api/plugins/" + id + "/health");
      assertThat(health.status()).isEqualTo(200);
      assertThat(berth.get("/api/plugins/" + id + "/logs").body())
          .contains("Plugin initialized: MyPlugin");
    }
  }
}
