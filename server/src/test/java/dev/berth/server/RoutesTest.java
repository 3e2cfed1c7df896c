package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class RoutesTest {
  private ServerFixture berth;

  @BeforeEach
  void start() {
    berth = ServerFixture.serving();
  }

  @AfterEach
  void stop() {
    berth.close();
  }

  @Test
  void enableAndDisableAnswerAsTheSpecificationPrints() throws Exception {
    assertThat(berth.post("/api/plugins/plugin_dice/enable", "").body())
        .isEqualTo(
            "{\"plugin_id\":\"plugin_dice\",\"status\":\"enabled\","
                + "\"message\":\"Plugin enabled successfully\"}");
    assertThat(berth.post("/api/plugins/plugin_dice/disable", "").body())
        .isEqualTo(
            "{\"plugin_id\":\"plugin_dice\",\"status\":\"disabled\","
                + "\"message\":\"Plugin disabled successfully\"}");
    assertThat(berth.send(berth.request("/api/plugins/plugin_dice").DELETE()).body())
        .isEqualTo(
            "{\"plugin_id\":\"plugin_dice\",\"status\":\"uninstalled\","
                + "\"message\":\"Plugin uninstalled successfully\"}");
    assertThat(berth.get("/api/plugins/plugin_dice").statusCode()).isEqualTo(404);
  }

  @Test
  void listsByStatus() throws Exception {
    var off = new PluginId("plugin_off");
    berth.service.plugins.put(
        off, FakePluginService.plugin(off, "off", new PluginState.Disabled()));

    assertThat(berth.get("/api/plugins?status=enabled").body())
        .isEqualTo(
            "{\"plugins\":[{\"id\":\"plugin_dice\",\"name\":\"dice\",\"version\":\"1.0.0\","
                + "\"status\":\"enabled\",\"author\":\"Ada\",\"description\":\"Rolls dice\"}],"
                + "\"total\":1}");
    assertThat(ServerFixture.json(berth.get("/api/plugins?status=disabled")).get("total").asInt())
        .isEqualTo(1);
    assertThat(ServerFixture.json(berth.get("/api/plugins")).get("total").asInt()).isEqualTo(2);
    HttpResponse<String> bad = berth.get("/api/plugins?status=on");
    assertThat(bad.statusCode()).isEqualTo(400);
    assertThat(bad.body()).contains("all, enabled, disabled, failed");
  }

  @Test
  void infoSaysWhyAPluginFailed() throws Exception {
    var id = new PluginId("plugin_bad");
    berth.service.plugins.put(
        id, FakePluginService.plugin(id, "bad", new PluginState.Failed("crashed 5 times")));

    JsonNode info = ServerFixture.json(berth.get("/api/plugins/plugin_bad"));

    assertThat(info.get("status").asString()).isEqualTo("failed");
    assertThat(info.get("reason").asString()).isEqualTo("crashed 5 times");
  }

  @Test
  void aFailureHasItsStatusAndDetails() throws Exception {
    berth.service.enableFailure =
        new PluginException(
            ErrorCode.PLUGIN_IMPORT_ERROR,
            "plugin_dice: no module named x",
            Map.of("traceback", "ModuleNotFoundError", "status", 1),
            null);

    HttpResponse<String> response = berth.post("/api/plugins/plugin_dice/enable", "");

    assertThat(response.statusCode()).isEqualTo(502);
    assertThat(response.body())
        .isEqualTo(
            "{\"type\":\"urn:berth:error:plugin_import_error\",\"title\":\"Plugin import error\","
                + "\"status\":502,\"detail\":\"plugin_dice: no module named x\","
                + "\"code\":\"plugin_import_error\",\"traceback\":\"ModuleNotFoundError\"}");
  }

  @Test
  void longWorkIsNotCutOffAsIdle() throws Exception {
    try (ServerFixture tight = ServerFixture.serving(ServerFixture.impatient())) {
      tight.service.onInstall =
          () -> {
            try {
              // Nothing happens on the connection for longer than it may be idle.
              var _ = new CountDownLatch(1).await(1500, java.util.concurrent.TimeUnit.MILLISECONDS);
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          };
      assertThat(
              tight
                  .send(
                      tight.multipart("/api/plugins/install", ServerFixture.filePart("a.zip", "x")))
                  .statusCode())
          .isEqualTo(200);
    }
  }

  @Test
  void settingsAreChecked() throws Exception {
    assertThat(put("{\"sides\":20}").statusCode()).isEqualTo(200);
    assertThat(berth.service.settings.toString()).isEqualTo("{\"sides\":20}");
    for (String bad : new String[] {"", "[1]", "{\"a\":1,\"a\":2}", "{\"a\":{\"b\":1,\"b\":1}}"}) {
      assertThat(put(bad).statusCode()).as(bad).isEqualTo(400);
    }
    assertThat(berth.service.settings.toString()).isEqualTo("{\"sides\":20}");
  }

  @Test
  void errorsAreListedAndForgotten() throws Exception {
    HttpResponse<String> all = berth.get("/api/plugins/plugin_dice/errors");
    assertThat(all.body())
        .startsWith(
            "{\"plugin_id\":\"plugin_dice\",\"errors\":[{\"fingerprint\":\"0a1b2c3d4e5f\","
                + "\"kind\":\"plugin_error\",\"type\":\"ValueError\",\"message\":\"no dice\","
                + "\"where\":\"main.py:3\",\"traceback\":\"Traceback (most recent call last):\\n"
                + "ValueError: no dice\",\"count\":12,\"first_at\":\"2026-01-02T03:04:05Z\","
                + "\"last_at\":\"2026-01-02T03:05:05Z\",\"version\":\"1.0.0\"},")
        .endsWith("\"total\":2}");
    HttpRequest.Builder clear = berth.request("/api/plugins/plugin_dice/errors").DELETE();
    assertThat(berth.send(clear).body())
        .isEqualTo("{\"plugin_id\":\"plugin_dice\",\"status\":\"cleared\"}");
    assertThat(berth.get("/api/plugins/plugin_dice/errors").body())
        .isEqualTo("{\"plugin_id\":\"plugin_dice\",\"errors\":[],\"total\":0}");
    assertThat(berth.get("/api/plugins/plugin_none/errors").statusCode()).isEqualTo(404);
    assertThat(berth.send(berth.request("/api/plugins/plugin_none/errors").DELETE()).statusCode())
        .isEqualTo(404);
  }

  private HttpResponse<String> put(String body) throws Exception {
    return berth.send(
        berth
            .request("/api/plugins/plugin_dice/config")
            .PUT(HttpRequest.BodyPublishers.ofString(body)));
  }

  @Test
  void api08JsonBombsAreRefusedElsewhereToo() throws Exception {
    String deep = "{\"name\":" + "[".repeat(100_000) + "}";
    String number = "{\"name\":" + "9".repeat(900_000) + "}";
    var many = new StringBuilder("{\"name\":\"x\"");
    for (int i = 0; i < 100_000; i++) {
      many.append(",\"k").append(i).append("\":0");
    }
    assertThat(ServerFixture.code(berth.post("/api/keys", deep))).isEqualTo("invalid_json");
    assertThat(ServerFixture.code(berth.post("/api/keys", number))).isEqualTo("invalid_json");
    assertThat(berth.post("/api/keys", many + "}").statusCode()).isIn(400, 413);
    assertThat(ServerFixture.code(berth.post("/api/keys", "{\"name\":\"a\",\"name\":\"b\"}")))
        .isEqualTo("invalid_json");
    assertThat(berth.keys.list()).isEmpty();
  }

  @Test
  void keysAreMadeListedAndRevoked() throws Exception {
    HttpResponse<String> made = berth.post("/api/keys", "{\"name\":\"ci\"}");
    assertThat(made.statusCode()).isEqualTo(201);
    JsonNode key = ServerFixture.json(made);
    assertThat(key.get("secret").asString()).isEqualTo("secret-key_1");

    assertThat(berth.get("/api/keys").body())
        .contains("\"name\":\"ci\"", "\"total\":1")
        .doesNotContain("secret");
    HttpRequest.Builder revoke = berth.request("/api/keys/key_1").DELETE();
    assertThat(berth.send(revoke).body()).isEqualTo("{\"id\":\"key_1\",\"status\":\"revoked\"}");
    assertThat(berth.send(revoke).statusCode()).isEqualTo(404);
    assertThat(berth.post("/api/keys", "{}").statusCode()).isEqualTo(400);
    assertThat(berth.post("/api/keys", "{\"name\":\"a\",\"tenant\":\"b\"}").statusCode())
        .isEqualTo(400);
  }

  @Test
  void metricsShowRequestsTheJvmAndPlugins() throws Exception {
    berth.execute("{}");
    berth.execute("x");
    berth.get("/nobody/asked/for/this");

    String metrics = berth.get("/metrics").body();

    assertThat(metrics)
        .contains(
            "berth_http_requests_seconds_count{method=\"POST\",route=\"/api/plugins/{id}/execute\",status=\"200\"} 1",
            "berth_http_requests_seconds_count{method=\"POST\",route=\"/api/plugins/{id}/execute\",status=\"400\"} 1",
            "route=\"none\"",
            "jvm_memory_used_bytes",
            "berth_plugin_calls_total{name=\"dice\",plugin=\"plugin_dice\"} 7",
            "berth_plugin_errors_total{name=\"dice\",plugin=\"plugin_dice\"} 2",
            "berth_plugin_in_flight{name=\"dice\",plugin=\"plugin_dice\"} 1",
            "berth_plugin_call_seconds{name=\"dice\",plugin=\"plugin_dice\",quantile=\"0.95\"} 0.0025",
            "berth_plugin_restarts_total")
        .doesNotContain("nobody");
  }
}
