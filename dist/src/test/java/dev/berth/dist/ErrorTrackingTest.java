package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** What goes wrong in a plugin is counted, kept and forgotten. */
@Timeout(120)
class ErrorTrackingTest {
  private static final String MAIN =
      """
      import asyncio, os

      class P:
          def __init__(self, config):
              self.config = config

          async def execute(self, context):
              return await getattr(self, context["do"])(context)

          async def nothing(self, context):
              return {}

          async def raises(self, context):
              raise ValueError(f"no dice {context['n']}, {self.config.get('token')}")

          async def looks(self, context):
              return {}[context["n"]]

          async def dies(self, context):
              os._exit(7)

          async def waits(self, context):
              await asyncio.sleep(60)
      """;

  private static final String SECRET =
      "config_schema: {token: {type: string, secret: true, default: ''}}\n";

  @TempDir Path folder;

  private static JsonNode errors(RunningBerth berth, String id) {
    Answer answer = berth.get("/api/plugins/" + id + "/errors");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json().path("errors");
  }

  private static List<String> shown(RunningBerth berth, String id) {
    return errors(berth, id)
        .valueStream()
        .map(e ->
            "%d %s %s: %s at %s of %s"
                .formatted(
                    e.path("count").asLong(),
                    e.path("kind").asString(),
                    e.path("type").asString(),
                    e.path("message").asString(),
                    e.path("where").asString(),
                    e.path("version").asString()))
        .toList();
  }

  private static void fails(RunningBerth berth, String id, String doing, int n) {
    Answer answer = berth.execute(id, "{\"do\":\"" + doing + "\",\"n\":" + n + "}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(502);
  }

  @Test
  void the_same_bug_is_one_error_however_often_and_whatever_it_says() {
    try (var berth = new RunningBerth(folder.resolve("data"))) {
      String id = berth.running(Pack.plugin(folder, "clumsy", "1.0.0", SECRET, MAIN));
      assertThat(berth.put("/api/plugins/" + id + "/config", "{\"token\":\"hunter22\"}").status())
          .isEqualTo(200);
      for (int n = 1; n <= 20; n++) {
        fails(berth, id, "raises", n);
      }
      assertThat(shown(berth, id))
          .containsExactly("20 plugin_error ValueError: no dice 20, *** at main.py:14 of 1.0.0");
      assertThat(errors(berth, id).get(0).path("traceback").asString())
          .startsWith("Traceback (most recent call last):\n")
          .contains("/workspace/main.py\", line 14, in raises")
          .endsWith("\nValueError: no dice 20, ***");

      fails(berth, id, "looks", 1);
      fails(berth, id, "looks", 2);
      fails(berth, id, "dies", 1);
      // The next worker is there: the call after this one has all of its time.
      assertThat(berth.execute(id, "{\"do\":\"nothing\"}").status()).isEqualTo(200);
      Answer late =
          berth.post(
              "/api/plugins/" + id + "/execute",
              "{\"context\":{\"do\":\"waits\"},\"timeout_seconds\":0.2}");
      assertThat(late.status()).isEqualTo(504);
      assertThat(shown(berth, id))
          .containsExactly(
              "1 plugin_timeout : did not answer within 0.2 s. at  of 1.0.0",
              "1 plugin_crashed : its worker exited with status 7 at  of 1.0.0",
              "2 plugin_error KeyError: 2 at main.py:17 of 1.0.0",
              "20 plugin_error ValueError: no dice 20, *** at main.py:14 of 1.0.0");

      JsonNode before = errors(berth, id);
      berth.restart();
      assertThat(errors(berth, id)).isEqualTo(before);
      fails(berth, id, "raises", 21);
      assertThat(shown(berth, id))
          .hasSize(4)
          .startsWith("21 plugin_error ValueError: no dice 21, *** at main.py:14 of 1.0.0");

      assertThat(berth.delete("/api/plugins/" + id + "/errors").status()).isEqualTo(200);
      assertThat(errors(berth, id)).isEmpty();
      berth.restart();
      assertThat(errors(berth, id)).isEmpty();
    }
  }

  @Test
  void errors_outlive_an_update_and_tell_of_starts_that_failed() {
    try (var berth = new RunningBerth(folder.resolve("data"))) {
      String id = berth.running(Pack.plugin(folder, "clumsy", MAIN));
      fails(berth, id, "looks", 1);
      String update = "/api/plugins/" + id + "/update";
      Path broken = Pack.plugin(folder, "clumsy", "1.1.0", "", MAIN + "import nowhere\n");
      assertThat(berth.upload(update, broken).code()).isEqualTo("plugin_import_error");
      Path worse = Pack.plugin(folder, "clumsy", "1.2.0", "", MAIN + "def (:\n");
      assertThat(berth.upload(update, worse).code()).isEqualTo("plugin_syntax_error");
      Path deadly = Pack.plugin(folder, "clumsy", "1.3.0", "", MAIN + "os._exit(9)\n");
      assertThat(berth.upload(update, deadly).code()).isEqualTo("plugin_start_failed");
      Path good = Pack.plugin(folder, "clumsy", "2.0.0", "", MAIN);
      assertThat(berth.upload(update, good).status()).isEqualTo(200);
      fails(berth, id, "looks", 2);
      List<String> shown = shown(berth, id);
      assertThat(shown).hasSize(4);
      assertThat(shown.get(0)).isEqualTo("2 plugin_error KeyError: 2 at main.py:17 of 2.0.0");
      assertThat(shown.get(1))
          .isEqualTo("1 plugin_start_failed : its worker exited with status 9 at  of 1.3.0");
      assertThat(shown.get(2))
          .startsWith("1 plugin_syntax_error SyntaxError: ")
          .endsWith(" at main.py:24 of 1.2.0");
      assertThat(shown.get(3))
          .isEqualTo(
              "1 plugin_import_error ModuleNotFoundError: No module named 'nowhere' at main.py:24"
                  + " of 1.1.0");
    }
  }

  @Test
  void uninstalling_forgets_them() throws IOException {
    Path data = folder.resolve("data");
    try (var berth = new RunningBerth(data)) {
      String id = berth.running(Pack.plugin(folder, "clumsy", MAIN));
      fails(berth, id, "raises", 1);
      berth.restart();
      assertThat(data.resolve("logs/" + id + ".errors")).exists();
      fails(berth, id, "raises", 2);
      assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
      assertThat(berth.get("/api/plugins/" + id + "/errors").code()).isEqualTo("plugin_not_found");
      berth.restart();
      try (Stream<Path> left = Files.list(data.resolve("logs"))) {
        assertThat(left).isEmpty();
      }
    }
  }

  @Test
  void a_file_that_no_plugin_owns_is_swept_at_the_start() throws IOException {
    Path data = folder.resolve("data");
    Path orphan = data.resolve("logs/plugin_gone.errors");
    Files.createDirectories(orphan.getParent());
    Files.writeString(orphan, "{}");
    Files.writeString(orphan.resolveSibling("plugin_gone.errors.new"), "{}");
    Files.writeString(orphan.resolveSibling("notes.txt"), "mine");
    try (var _ = new RunningBerth(data);
        Stream<Path> left = Files.list(orphan.getParent())) {
      assertThat(left).extracting(Path::getFileName).containsExactly(Path.of("notes.txt"));
    }
  }
}
