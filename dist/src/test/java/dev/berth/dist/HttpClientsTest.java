package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** The HTTP libraries that authors use, as they stand, from a real sandbox. */
@Timeout(240)
@ParameterizedClass
@EnumSource(names = {"PROCESS", "DOCKER"})
final class HttpClientsTest {
  @TempDir static Path shared;

  @Parameter Kinds kind;

  private static LoopbackServer web;
  private static TlsServer tls;
  private static RunningBerth berth;
  private static String id;

  @BeforeParameterizedClassInvocation
  static void open(Kinds kind) throws IOException {
    Hosting hosting = kind.hosting();
    Path folder = Files.createDirectories(shared.resolve(kind.name()));
    web = new LoopbackServer();
    tls = new TlsServer(folder);
    berth =
        new RunningBerth(
            folder.resolve("data"), Hostings.reaching(hosting, web.place(), tls.place()));
    Path plugin = Files.createDirectories(folder.resolve("clients"));
    for (String file : List.of("plugin.yaml", "main.py")) {
      Files.copy(Fixtures.plugin("clients").resolve(file), plugin.resolve(file));
    }
    Files.copy(tls.certificate(), plugin.resolve("tls.pem"));
    Answer installed = berth.upload("/api/plugins/install", Pack.tar(plugin, folder));
    Assumptions.assumeFalse(
        installed.status() >= 400 && installed.code().equals("dependency_index_unreachable"),
        "no package index can be reached from here");
    assertThat(installed.status()).as(installed.body()).isBetween(200, 201);
    id = installed.json().path("plugin_id").asString();
    Answer enabled = berth.post("/api/plugins/" + id + "/enable");
    assertThat(enabled.status()).as(enabled.body()).isEqualTo(200);
  }

  @AfterParameterizedClassInvocation
  static void close() {
    if (berth == null) {
      return; // skipped
    }
    berth.close();
    tls.close();
    web.close();
    berth = null;
  }

  private static JsonNode ask(String library, String url) {
    Answer answer = berth.execute(id, "{\"by\":\"%s\",\"url\":\"%s\"}".formatted(library, url));
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    JsonNode result = answer.json().path("result");
    assertThat(result.isObject()).as(answer.body()).isTrue();
    return result;
  }

  @ParameterizedTest
  @ValueSource(strings = {"urllib", "requests", "httpx", "aiohttp"})
  void a_library_reaches_http_and_https_and_streams_large_bodies(String library) {
    JsonNode plain = ask(library, "http://" + web.place() + "/big");
    assertThat(plain.path("status").asInt()).as(plain.toString()).isEqualTo(200);
    assertThat(plain.path("length").asInt()).isEqualTo(4 << 20);
    JsonNode secret = ask(library, "https://" + tls.place() + "/hello");
    assertThat(secret.path("status").asInt()).as(secret.toString()).isEqualTo(200);
    assertThat(secret.path("length").asInt()).isEqualTo(5);
    JsonNode streamed = ask(library, "https://" + tls.place() + "/stream");
    assertThat(streamed.path("length").asInt())
        .as(streamed.toString())
        .isEqualTo(TlsServer.STREAMED);
  }

  @ParameterizedTest
  @ValueSource(strings = {"urllib", "requests", "httpx", "aiohttp"})
  void a_redirect_to_a_forbidden_place_is_refused_with_the_reason_and_logged_once(String library) {
    JsonNode plain = ask(library, "http://" + web.place() + "/away");
    assertThat(plain.path("status").asInt()).as(plain.toString()).isEqualTo(403);
    assertThat(plain.path("text").asString())
        .contains("127.0.0.1:1 is not allowed: port 1 is not 80 or 443");
    // The libraries keep the proxy's text to themselves when a tunnel is refused.
    JsonNode secret = ask(library, "https://" + tls.place() + "/away");
    assertThat(secret.path("error").asString()).as(secret.toString()).contains("403");
    String log = berth.get("/api/plugins/" + id + "/logs").body();
    assertThat(log.split("network: 127.0.0.1:1 was refused: port 1 is not 80 or 443[^(]*?\"", -1))
        .as(log)
        .hasSize(2);
  }
}
