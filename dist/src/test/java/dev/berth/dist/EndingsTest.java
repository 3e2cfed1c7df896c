package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Plugins that begin or end badly, in each kind of sandbox: what is said, and nothing is left. */
@Timeout(120)
final class EndingsTest extends OneHost {
  private static final String TELLS =
      """
      class P:
          def __init__(self, config):
              self.token = config["token"]

          def execute(self, context):
              print("the token is " + self.token)
              raise ValueError(self.token)
      """;

  private static final String SECRET =
      "config_schema: {token: {type: string, secret: true, default: hunter22}}\n";

  private Answer disable(String id) {
    return berth().post("/api/plugins/" + id + "/disable");
  }

  private boolean logged(String id, String text) {
    return berth().get("/api/plugins/" + id + "/logs").body().contains(text);
  }

  @Test
  void a_cleanup_that_hangs_is_not_waited_for_to_the_end() {
    String id = running("cleanup-hangs");
    Answer answer = disable(id);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    assertThat(answer.json().path("status").asString()).isEqualTo("disabled");
    Eventually.is("its log tells of it", () -> logged(id, "did not answer shutdown within 2 s."));
  }

  @Test
  void a_cleanup_that_raises_ends_the_plugin_and_is_told_in_its_log() {
    String id = running("cleanup-raises");
    Answer answer = disable(id);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    Eventually.is(
        "its log tells of it", () -> logged(id, "failed: cleanup raised RuntimeError: not today."));
    assertThat(berth().post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
  }

  @Test
  void a_start_that_hangs_is_given_up_by_a_disable() throws Exception {
    for (String fixture : new String[] {"import-hangs", "initialize-hangs"}) {
      String id = installed(Pack.tar(Fixtures.plugin(fixture), folder));
      var enable =
          CompletableFuture.supplyAsync(() -> berth().post("/api/plugins/" + id + "/enable"));
      Answer[] disable = new Answer[1];
      // Before the enable has begun there is nothing to give up.
      Eventually.is(
          "the enable is given up",
          () -> {
            disable[0] = disable(id);
            return enable.isDone();
          });
      assertThat(disable[0].status()).as(disable[0].body()).isEqualTo(200);
      Answer given = enable.get(20, TimeUnit.SECONDS);
      assertThat(given.code()).as(given.body()).isEqualTo("cancelled");
      assertThat(given.detail()).contains("was disabled while it was being enabled");
    }
  }

  @Test
  @DisplayName("RUN-08 its own secrets are blotted out of what it prints and raises")
  void run08() {
    String id = running(Pack.plugin(folder, "tells", "1.0.0", SECRET, TELLS));
    Answer answer = berth().execute(id, "{}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(502);
    assertThat(answer.body()).contains("***").doesNotContain("hunter22");
    Eventually.is("its line is in the log", () -> logged(id, "the token is ***"));
    assertThat(logged(id, "hunter22")).isFalse();
    assertThat(berth().get("/api/plugins/" + id + "/errors").body())
        .contains("***")
        .doesNotContain("hunter22");
  }
}
