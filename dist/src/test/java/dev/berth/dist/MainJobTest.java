package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Install, enable, execute, disable, update, uninstall: the specification's calls, as printed. */
class MainJobTest {
  private static final String ECHO =
      """
      class P:
          def __init__(self, config):
              self.config = config
              self.calls = 0

          async def initialize(self):
              return True

          async def execute(self, context):
              self.calls += 1
              return {"success": True, "echo": context, "calls": self.calls}

          async def cleanup(self):
              pass
      """;

  @TempDir static Path folder;
  private static RunningBerth berth;

  @BeforeAll
  static void start() {
    berth = new RunningBerth(folder.resolve("data"));
  }

  @AfterAll
  static void stop() {
    berth.close();
  }

  @Test
  void answers_every_call_in_the_shape_of_the_specification() {
    Path archive =
        Pack.plugin(
            folder, "echo", "1.0.0", "description: says it again\nauthor: Somebody\n", ECHO);
    Answer installed = berth.upload("/api/plugins/install", archive);
    assertThat(installed.status()).as(installed.body()).isBetween(200, 201);
    String id = installed.json().path("plugin_id").asString();
    assertThat(installed.json().path("name").asString()).isEqualTo("echo");
    assertThat(installed.json().path("version").asString()).isEqualTo("1.0.0");
    assertThat(installed.json().path("status").asString()).isEqualTo("installed");

    Answer enabled = berth.post("/api/plugins/" + id + "/enable");
    assertThat(enabled.json())
        .isEqualTo(
            RunningBerth.JSON.readTree(
                "{\"plugin_id\":\""
                    + id
                    + "\",\"status\":\"enabled\",\"message\":\"Plugin enabled successfully\"}"));

    Answer answer = berth.execute(id, "{\"message\":\"Hello\",\"user\":\"john_doe\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.json().path("success").asBoolean()).isTrue();
    assertThat(answer.json().at("/result/echo/message").asString()).isEqualTo("Hello");
    assertThat(answer.json().path("execution_time").isNumber()).isTrue();
    assertThat(berth.execute(id, "{}").json().at("/result/calls").asInt()).isEqualTo(2);

    Answer list = berth.get("/api/plugins?status=enabled");
    assertThat(list.json().path("total").asInt()).isEqualTo(1);
    assertThat(list.json().at("/plugins/0/id").asString()).isEqualTo(id);
    assertThat(list.json().at("/plugins/0/author").asString()).isEqualTo("Somebody");
    assertThat(list.json().at("/plugins/0/status").asString()).isEqualTo("enabled");

    Path next = Pack.plugin(folder, "echo", "2.0.0", "", ECHO);
    Answer updated = berth.upload("/api/plugins/" + id + "/update", next);
    assertThat(updated.status()).as(updated.body()).isEqualTo(200);
    assertThat(berth.get("/api/plugins/" + id).json().path("version").asString())
        .isEqualTo("2.0.0");
    assertThat(berth.execute(id, "{}").json().at("/result/calls").asInt()).isEqualTo(1);

    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    Answer refused = berth.execute(id, "{}");
    assertThat(refused.status()).isEqualTo(409);
    assertThat(refused.code()).isEqualTo("plugin_not_enabled");
    assertThat(berth.delete("/api/plugins/" + id).status()).isBetween(200, 204);
    assertThat(berth.get("/api/plugins/" + id).code()).isEqualTo("plugin_not_found");
  }

  @Test
  void an_enabled_plugin_is_enabled_again_after_a_restart_of_the_host() throws Exception {
    Path own = folder.resolve("restarted");
    try (var other = new RunningBerth(own)) {
      String id = other.running(Pack.plugin(folder, "again", ECHO));
      assertThat(other.execute(id, "{}").status()).isEqualTo(200);
      other.restart();
      Answer answer = other.execute(id, "{}");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    }
  }

  @Test
  void takes_zip_tgz_and_archives_without_a_top_folder() throws Exception {
    Path plugin = folder.resolve("forms/forms");
    Pack.write(
        plugin,
        java.util.Map.of(
            "plugin.yaml",
            "name: forms\nversion: 1.0.0\nmain: main.py\nclass: P\n",
            "main.py",
            ECHO));
    for (Path archive :
        new Path[] {
          Pack.tar(plugin, folder),
          Pack.zip(plugin, folder),
          Pack.flatTar(plugin, folder, "flat.tgz"),
          Pack.flatTar(plugin, folder, "flat.tar.gz")
        }) {
      String id = berth.running(archive);
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
      assertThat(berth.delete("/api/plugins/" + id).status()).isBetween(200, 204);
    }
  }
}
