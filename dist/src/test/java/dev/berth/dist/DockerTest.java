package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The main job in containers of a real engine. */
@Timeout(180)
@EnabledIf(
    value = "dev.berth.dist.DockerEngineHere#available",
    disabledReason = "needs a Docker engine that has the image berth-test-python:1")
final class DockerTest {
  @TempDir Path folder;

  private LoopbackServer web;
  private RunningBerth berth;

  @BeforeEach
  void open() {
    web = new LoopbackServer();
    berth =
        new RunningBerth(
            folder.resolve("data"), Hostings.reaching(Kinds.DOCKER.hosting(), web.place()));
  }

  @AfterEach
  void close() {
    berth.close();
    web.close();
  }

  @Test
  void a_plugin_keeps_its_files_from_one_container_to_the_next() {
    String id = berth.running(Pack.tar(Fixtures.plugin("counter"), folder));
    Answer first = berth.execute(id, "{}");
    assertThat(first.status()).as(first.body()).isEqualTo(200);
    JsonNode before = first.json().path("result");
    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
    JsonNode after = berth.execute(id, "{}").json().path("result");
    assertThat(after).as(before.toString()).isNotEqualTo(before);
    assertThat(berth.get("/api/isolation").json().path("kind").asString()).isEqualTo("docker");
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
  }

  @Test
  void a_container_reaches_the_network_through_the_proxy_alone() {
    String id = berth.running(Pack.tar(Fixtures.plugin("caller"), folder));
    Answer answer = berth.execute(id, "{\"do\":\"get\",\"url\":\"http://" + web.place() + "/x\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.json().at("/result/status").asInt()).isEqualTo(200);
    JsonNode direct =
        berth.execute(id, "{\"do\":\"connect\",\"host\":\"172.17.0.1\",\"port\":80}").json();
    assertThat(direct.at("/result/error").asString()).isEqualTo("ENETUNREACH");
  }
}
