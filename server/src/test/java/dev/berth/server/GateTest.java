package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.PluginException;
import dev.berth.api.Readiness;
import dev.berth.api.TenantId;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What holds for every request, over a real connection. */
class GateTest {
  private static final String EXECUTE =
      "POST /api/plugins/plugin_dice/execute HTTP/1.1\r\nConnection: close\r\nContent-Length: 2\r\n";

  /** Both ways through the gate: to a plugin, and to Javalin. */
  private static List<String> requests(String headers) {
    return List.of(
        EXECUTE + headers + "\r\n{}",
        "GET /api/plugins HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n",
        "GET /nothing HTTP/1.1\r\nConnection: close\r\n" + headers + "\r\n");
  }

  private static String status(String answer) {
    return answer.substring(0, Math.min(12, answer.length()));
  }

  @Test
  void aForeignHostIsRefusedBecauseOfRebinding() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      for (String host : List.of("evil.example", "evil.example:8000", "127.0.0.1.evil.example")) {
        for (String request : requests("Host: " + host + "\r\n")) {
          assertThat(berth.raw(request)).startsWith("HTTP/1.1 421").contains("host_not_allowed");
        }
      }
      for (String host :
          List.of("localhost", "LOCALHOST:1", "127.0.0.1:8000", "127.9.9.9", "[::1]:8000")) {
        assertThat(status(berth.raw(requests("Host: " + host + "\r\n").getFirst())))
            .isEqualTo("HTTP/1.1 200");
      }
    }
  }

  @Test
  void pagesOfAnotherOriginAreRefused() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      for (String headers :
          List.of(
              "Host: localhost:8000\r\nOrigin: http://evil.example\r\n",
              "Host: localhost:8000\r\nOrigin: null\r\n",
              "Host: localhost:8000\r\nOrigin: http://localhost:3000\r\n",
              "Host: localhost:8000\r\nSec-Fetch-Site: cross-site\r\n",
              "Host: localhost:8000\r\nSec-Fetch-Site: same-site\r\n")) {
        for (String request : requests(headers)) {
          assertThat(berth.raw(request)).startsWith("HTTP/1.1 403").contains("origin_not_allowed");
        }
      }
      String own =
          "Host: localhost:8000\r\nOrigin: http://localhost:8000\r\nSec-Fetch-Site: same-origin\r\n";
      assertThat(status(berth.raw(requests(own).getFirst()))).isEqualTo("HTTP/1.1 200");
      String link =
          "Host: localhost:8000\r\nSec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\n";
      assertThat(status(berth.raw(requests(link).get(1)))).isEqualTo("HTTP/1.1 200");
      assertThat(status(berth.raw(requests(link).getFirst()))).isEqualTo("HTTP/1.1 403");
    }
  }

  @Test
  void api11HeadersCantBeInjected() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      HttpResponse<String> own =
          berth.send(berth.request("/api/plugins").header("X-Request-Id", "abc-1.2_3"));
      assertThat(own.headers().firstValue("x-request-id")).contains("abc-1.2_3");

      String answer =
          berth.raw(requests("Host: localhost\r\nX-Request-Id: a\tb<script>\r\n").getFirst());
      assertThat(answer).contains("X-Request-Id: ").doesNotContain("<script>");
      // A bare CR or LF, or a second Host, is no request at all.
      assertThat(
              status(
                  berth.raw(
                      requests("Host: localhost\r\nX-Request-Id: a\rSet-Cookie: x\r\n")
                          .getFirst())))
          .isEqualTo("HTTP/1.1 400");
      assertThat(status(berth.raw(requests("Host: localhost\r\nHost: localhost\r\n").getFirst())))
          .isEqualTo("HTTP/1.1 400");
      // Nobody in front is trusted: what it says of the client or the name asked for is not heard.
      assertThat(
              berth.raw(
                  requests(
                          "Host: evil.example\r\nX-Forwarded-Host: localhost\r\nX-Forwarded-For: 127.0.0.1\r\n")
                      .getFirst()))
          .startsWith("HTTP/1.1 421");
    }
  }

  @Test
  void everyAnswerHasTheSecurityHeadersAndAnId() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      for (HttpResponse<String> response :
          List.of(
              berth.execute("{}"),
              berth.execute("x"),
              berth.get("/api/plugins"),
              berth.get("/x"))) {
        assertThat(response.headers().firstValue("x-content-type-options")).contains("nosniff");
        assertThat(response.headers().firstValue("content-security-policy"))
            .contains("default-src 'none'; frame-ancestors 'none'");
        assertThat(response.headers().firstValue("cache-control")).contains("no-store");
        assertThat(response.headers().firstValue("x-request-id")).isPresent();
        assertThat(response.headers().firstValue("server")).isEmpty();
      }
    }
  }

  /** Javalin goes by the path as it came, the gate by what it comes to. */
  @Test
  void aPathThatCanBeReadInTwoWaysIsRefused() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      for (String path :
          List.of(
              "/api/plugins/x/../stats",
              "/api/plugins/./stats",
              "/api/plugins/x/.",
              "/api/plugins/x;v=1",
              "/api/./plugins/plugin_dice/execute",
              "/%61pi/plugins")) {
        String answer =
            berth.raw("GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        assertThat(answer).as(path).startsWith("HTTP/1.1 400").contains("problem+json");
      }
      // An escape within a name is a name's own affair.
      String escaped =
          berth.raw(
              "GET /api/plugins/plugin%5Fnone HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
      assertThat(escaped).startsWith("HTTP/1.1 404").contains("plugin_not_found");
    }
  }

  @Test
  void whatIsNoHttpOfOursIsSaidSoWithAnId() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      assertThat(berth.raw("GET /health/live HTTP/9.9\r\nHost: localhost\r\n\r\n"))
          .startsWith("HTTP/1.1 505")
          .contains("HTTP/1.1 only")
          .containsIgnoringCase("X-Request-Id: ")
          .contains("nosniff");
      assertThat(berth.raw("GET /api/plugins\r\n\r\n"))
          .contains("HTTP/1.1 only")
          .doesNotContain("Its log says more");
      assertThat(berth.raw("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"))
          .startsWith("HTTP/1.1 400")
          .containsIgnoringCase("X-Request-Id: ");
    }
  }

  @Test
  void unknownPathsAndMethodsAreProblems() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      HttpResponse<String> nothing = berth.get("/api/nothing");
      assertThat(nothing.statusCode()).isEqualTo(404);
      assertThat(ServerFixture.code(nothing)).isEqualTo("not_found");
      assertThat(berth.get("/api/plugins/").statusCode()).isEqualTo(404);

      HttpResponse<String> method = berth.post("/api/plugins", "{}");
      assertThat(method.statusCode()).isEqualTo(405);
      assertThat(method.headers().firstValue("allow")).contains("GET, HEAD, OPTIONS");
      assertThat(ServerFixture.code(method)).isEqualTo("method_not_allowed");
      HttpResponse<String> getExecute = berth.get("/api/plugins/plugin_dice/execute");
      assertThat(getExecute.headers().firstValue("allow")).contains("OPTIONS, POST");

      HttpResponse<String> options =
          berth.send(
              berth
                  .request("/api/plugins/plugin_dice")
                  .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
      assertThat(options.statusCode()).isEqualTo(204);
      assertThat(options.headers().firstValue("allow")).contains("DELETE, GET, HEAD, OPTIONS");
      assertThat(options.headers().firstValue("access-control-allow-origin")).isEmpty();
      HttpResponse<String> head =
          berth.send(
              berth
                  .request("/api/plugins/plugin_none")
                  .method("HEAD", HttpRequest.BodyPublishers.noBody()));
      assertThat(head.statusCode()).isEqualTo(404);
      assertThat(head.body()).isEmpty();
      assertThat(
              status(berth.raw("TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")))
          .isEqualTo("HTTP/1.1 404");
      assertThat(berth.raw("nonsense\r\n\r\n")).startsWith("HTTP/1.1 400").contains("bad_request");
    }
  }

  @Test
  void nothingButLivenessIsAnsweredWhileStarting() throws Exception {
    try (ServerFixture berth = ServerFixture.starting(ServerFixture.settings("127.0.0.1"))) {
      assertThat(berth.get("/health/live").statusCode()).isEqualTo(200);
      for (HttpResponse<String> response :
          List.of(
              berth.get("/health/ready"),
              berth.get("/api/plugins"),
              berth.get("/nothing"),
              berth.execute("{}"))) {
        assertThat(response.statusCode()).isEqualTo(503);
        assertThat(ServerFixture.code(response)).isEqualTo("starting");
        assertThat(response.headers().firstValue("retry-after")).isPresent();
      }
      berth.server.serve(berth.service, berth.keys);
      assertThat(berth.get("/health/ready").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void readinessSaysWhatIsMissing() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      berth.service.readiness = new Readiness(false, List.of("python3 is missing: install it."));

      HttpResponse<String> response = berth.get("/health/ready");

      assertThat(response.statusCode()).isEqualTo(503);
      assertThat(response.body())
          .isEqualTo(
              "{\"status\":\"not_ready\",\"problems\":[\"python3 is missing: install it.\"]}");
    }
  }

  @Test
  void anOpenAddressNeedsAKeyToStartAtAll() throws Exception {
    try (ServerFixture berth = ServerFixture.starting(ServerFixture.settings("0.0.0.0"))) {
      assertThatThrownBy(() -> berth.server.serve(berth.service, berth.keys))
          .isInstanceOfSatisfying(
              PluginException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.UNAUTHENTICATED))
          .hasMessageContaining("berth key create");
      assertThat(statusOf(berth, "GET", "/api/plugins", null)).isEqualTo(503);

      // A key made afterwards is too late: what was refused stays refused.
      AccessKeys.Created key = berth.keys.create(TenantId.DEFAULT, "late");
      assertThat(statusOf(berth, "GET", "/api/plugins", "Bearer " + key.secret())).isEqualTo(503);
    }
  }

  @Test
  void api01EveryRouteNeedsAKeyOnAnOpenAddress() throws Exception {
    try (ServerFixture berth = ServerFixture.starting(ServerFixture.settings("0.0.0.0"))) {
      AccessKeys.Created key = berth.keys.create(TenantId.DEFAULT, "test");
      AccessKeys.Created foreign = berth.keys.create(new TenantId("other"), "foreign");
      berth.server.serve(berth.service, berth.keys);

      for (String route : berth.server.routeNames()) {
        String method = route.substring(0, route.indexOf(' '));
        String path = route.substring(route.indexOf(' ') + 1).replace("{id}", "plugin_none");
        if (path.startsWith("/health/")) {
          assertThat(statusOf(berth, method, path, null)).as(route).isEqualTo(200);
          continue;
        }
        assertThat(statusOf(berth, method, path, null)).as(route).isEqualTo(401);
        assertThat(statusOf(berth, method, path, "Bearer wrong")).as(route).isEqualTo(401);
        assertThat(statusOf(berth, method, path, "Basic " + key.secret())).as(route).isEqualTo(401);
        assertThat(statusOf(berth, method, path, "Bearer ")).as(route).isEqualTo(401);
        assertThat(statusOf(berth, method, path, "Bearer " + foreign.secret()))
            .as(route)
            .isEqualTo(403);
        assertThat(statusOf(berth, method, path, "Bearer " + key.secret()))
            .as(route)
            .isNotIn(401, 403);
      }
      // Not even whether there is such a path is told.
      assertThat(statusOf(berth, "GET", "/nothing", null)).isEqualTo(401);
    }
  }

  private static int statusOf(ServerFixture berth, String method, String path, String authorization)
      throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(
            java.net.URI.create("http://127.0.0.1:" + berth.server.url().getPort() + path));
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    HttpRequest.BodyPublisher body =
        method.equals("POST") || method.equals("PUT")
            ? HttpRequest.BodyPublishers.ofString("{}")
            : HttpRequest.BodyPublishers.noBody();
    return berth.send(request.method(method, body)).statusCode();
  }

  @Test
  void aKeyIsAskedForOnceForManyCallsAndForgottenWhenRevoked() throws Exception {
    try (ServerFixture berth = ServerFixture.serving()) {
      AccessKeys.Created key = berth.keys.create(TenantId.DEFAULT, "test");
      HttpRequest.Builder call =
          berth
              .request("/api/plugins/plugin_dice/execute")
              .header("Authorization", "Bearer " + key.secret())
              .POST(HttpRequest.BodyPublishers.ofString("{}"));
      assertThat(berth.send(call).statusCode()).isEqualTo(200);
      assertThat(berth.send(call).statusCode()).isEqualTo(200);

      assertThat(berth.send(berth.request("/api/keys/" + key.key().id()).DELETE()).statusCode())
          .isEqualTo(200);
      // On a loopback address no key is needed, but a wrong one is still wrong.
      assertThat(berth.send(call).statusCode()).isEqualTo(401);
    }
  }

  @Test
  void closingLetsCallsUnderWayFinishAndTakesNoMore() throws Exception {
    ServerFixture berth = ServerFixture.serving();
    var call = new CompletableFuture<ExecutionResult>();
    var begun = new CompletableFuture<Void>();
    berth.service.onExecute =
        _ -> {
          begun.complete(null);
          return call;
        };
    CompletableFuture<HttpResponse<String>> answer =
        berth.client.sendAsync(
            berth
                .request("/api/plugins/plugin_dice/execute")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build(),
            HttpResponse.BodyHandlers.ofString());
    begun.get(10, TimeUnit.SECONDS);
    try (Socket open = berth.socket()) {
      Thread closing = Thread.ofVirtual().start(berth.server::close);
      // Until the server has begun to close, this is answered as ever.
      String refused = "";
      while (!refused.contains("shutting_down")) {
        refused = berth.raw(requests("Host: localhost\r\n").get(1));
      }
      assertThat(refused).startsWith("HTTP/1.1 503");
      assertThat(answer).isNotDone();

      call.complete(FakePluginService.succeeded(dev.berth.api.Json.NULL));

      assertThat(answer.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
      closing.join(10_000);
      assertThat(closing.isAlive()).isFalse();
      assertThat(open.getInputStream().read()).isEqualTo(-1);
    }
    berth.close();
  }

  @Test
  void anAddressInUseIsSaid() {
    try (ServerFixture berth = ServerFixture.serving()) {
      ServerSettings same =
          ServerSettings.of("127.0.0.1", berth.server.url().getPort(), berth.uploads);

      assertThatThrownBy(() -> BerthServer.start(same))
          .isInstanceOfSatisfying(
              PluginException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.LISTEN_FAILED))
          .hasMessageContaining("127.0.0.1 port " + same.port())
          .hasMessageContaining("Address already in use. Stop what uses it");
    }
  }
}
