package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.Permission;
import dev.berth.api.PluginException;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.eclipse.jetty.io.ArrayByteBufferPool;
import org.eclipse.jetty.io.ManagedSelector;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExecuteTest {
  private static final String PATH = "/api/plugins/plugin_dice/execute";

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
  void answersInTheShapeOfTheSpecification() throws Exception {
    HttpResponse<String> response =
        berth.execute("{\"context\": {\"message\": \"Hello\",\"user\":\"john_doe\"}}");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.headers().firstValue("content-type")).contains("application/json");
    assertThat(response.body())
        .isEqualTo(
            "{\"success\":true,\"result\":{\"message\": \"Hello\",\"user\":\"john_doe\"},"
                + "\"execution_time\":0.245000}");
  }

  @Test
  void saysThePluginsOwnSuccess() throws Exception {
    berth.service.onExecute =
        _ ->
            CompletableFuture.completedFuture(
                new ExecutionResult.Succeeded(
                    Json.of("{\"success\":false}"), false, Duration.ofSeconds(12)));

    assertThat(berth.execute("{}").body())
        .isEqualTo(
            "{\"success\":false,\"result\":{\"success\":false},\"execution_time\":12.000000}");
  }

  @Test
  void takesAnEmptyObjectAndATimeout() throws Exception {
    var seen = new AtomicReference<ExecutionRequest>();
    berth.service.onExecute =
        request -> {
          seen.set(request);
          return CompletableFuture.completedFuture(FakePluginService.succeeded(Json.NULL));
        };

    assertThat(berth.execute("{}").statusCode()).isEqualTo(200);
    assertThat(seen.get().context()).isEqualTo(Json.EMPTY_OBJECT);
    assertThat(seen.get().timeout()).isNull();

    assertThat(berth.execute(" {\"timeout_seconds\" : 2.5 , \"context\":{}} ").statusCode())
        .isEqualTo(200);
    assertThat(seen.get().timeout()).isEqualTo(Duration.ofMillis(2500));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`` | 400 | invalid_json",
        "nonsense | 400 | invalid_json",
        "{\"context\":{} | 400 | invalid_json",
        "{\"context\":{}} x | 400 | invalid_json",
        "[] | 400 | bad_request",
        "{\"context\":[]} | 400 | context_invalid",
        "{\"context\":null} | 400 | context_invalid",
        "{\"context\":{},\"contxt\":1} | 400 | unknown_field",
        "{\"context\":{},\"context\":{}} | 400 | invalid_json",
        "{\"timeout_seconds\":0} | 400 | bad_request",
        "{\"timeout_seconds\":-1} | 400 | bad_request",
        "{\"timeout_seconds\":\"1\"} | 400 | bad_request",
        "{\"timeout_seconds\":1e999} | 400 | bad_request",
      })
  void refusesBadBodies(String body, int status, String code) throws Exception {
    HttpResponse<String> response = berth.execute(body);

    assertThat(response.statusCode()).isEqualTo(status);
    assertThat(ServerFixture.code(response)).isEqualTo(code);
    assertThat(response.headers().firstValue("content-type")).contains(Problem.CONTENT_TYPE);
  }

  @Test
  void api08JsonBombsAreRefusedBeforeTheyAreRead() throws Exception {
    String deep = "{\"context\":{\"a\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}}";
    String longNumber = "{\"context\":{\"a\":" + "1".repeat(500_000) + "}}";
    String large = "{\"context\":{\"a\":\"" + "x".repeat(2 << 20) + "\"}}";

    assertThat(ServerFixture.code(berth.execute(deep))).isEqualTo("invalid_json");
    assertThat(ServerFixture.code(berth.execute(longNumber))).isEqualTo("invalid_json");
    HttpResponse<String> tooLarge = berth.execute(large);
    assertThat(tooLarge.statusCode()).isEqualTo(413);
    assertThat(ServerFixture.code(tooLarge)).isEqualTo("body_too_large");
  }

  @Test
  void tellsTheTracebackOfAPluginThatRaised() throws Exception {
    berth.service.onExecute =
        _ ->
            CompletableFuture.completedFuture(
                new ExecutionResult.Failed(
                    new PluginException(
                        ErrorCode.PLUGIN_ERROR,
                        "plugin_dice: ValueError: no dice",
                        Map.of("traceback", "  File \"main.py\", line 3\nValueError: no dice"),
                        null),
                    Duration.ofMillis(5)));

    HttpResponse<String> response = berth.execute("{}");

    assertThat(response.statusCode()).isEqualTo(502);
    assertThat(ServerFixture.code(response)).isEqualTo("plugin_error");
    assertThat(ServerFixture.json(response).get("traceback").asString())
        .endsWith("ValueError: no dice");
    assertThat(ServerFixture.json(response).get("execution_time").asDouble()).isEqualTo(0.005);
  }

  @Test
  void tellsWhatWasDenied() throws Exception {
    berth.service.onExecute =
        _ ->
            CompletableFuture.completedFuture(
                new ExecutionResult.Denied(Permission.CHAT_ACCESS, "not granted"));

    HttpResponse<String> response = berth.execute("{}");

    assertThat(response.statusCode()).isEqualTo(403);
    assertThat(ServerFixture.json(response).get("permission").asString()).isEqualTo("chat_access");
  }

  @Test
  void anUnknownPluginIsNotFound() throws Exception {
    assertThat(berth.post("/api/plugins/plugin_none/execute", "{}").statusCode()).isEqualTo(404);
    assertThat(berth.post("/api/plugins/..%2fx/execute", "{}").statusCode()).isEqualTo(400);
    HttpResponse<String> badId = berth.post("/api/plugins/X/execute", "{}");
    assertThat(badId.statusCode()).isEqualTo(404);
    assertThat(ServerFixture.code(badId)).isEqualTo("plugin_not_found");
  }

  @Test
  void answersFromAnotherThreadLater() throws Exception {
    try (ExecutorService elsewhere = Executors.newSingleThreadExecutor()) {
      berth.service.onExecute =
          request ->
              CompletableFuture.supplyAsync(
                  () -> FakePluginService.succeeded(request.context()), elsewhere);

      for (int i = 0; i < 200; i++) {
        assertThat(berth.execute("{\"context\":{\"i\":" + i + "}}").body())
            .contains("\"result\":{\"i\":" + i + "}");
      }
    }
  }

  @Test
  void takesABodyInManyPieces() throws Exception {
    String body = "{\"context\":{\"a\":\"" + "y".repeat(300_000) + "\"}}";
    HttpResponse<String> chunked =
        berth.send(
            berth
                .request(PATH)
                .POST(
                    HttpRequest.BodyPublishers.fromPublisher(
                        HttpRequest.BodyPublishers.ofString(body))));

    assertThat(chunked.statusCode()).isEqualTo(200);
    assertThat(chunked.body()).contains("y".repeat(300_000));
  }

  @Test
  void pipelinedRequestsAreAnsweredInOrderWhileCallsAreUnderWay() throws Exception {
    var calls = new LinkedBlockingQueue<CompletableFuture<ExecutionResult>>();
    var contexts = new LinkedBlockingQueue<Json>();
    berth.service.onExecute =
        request -> {
          var call = new CompletableFuture<ExecutionResult>();
          contexts.add(request.context());
          calls.add(call);
          return call;
        };
    try (Socket socket = berth.socket()) {
      for (int i = 0; i < 5; i++) {
        socket.getOutputStream().write(executeHead("{\"context\":{\"n\":" + i + "}}"));
      }
      socket.getOutputStream().flush();
      var answers = new StringBuilder();
      for (int i = 0; i < 5; i++) {
        CompletableFuture<ExecutionResult> call = calls.poll(10, TimeUnit.SECONDS);
        Json context = contexts.remove();
        assertThat(context.toString()).isEqualTo("{\"n\":" + i + "}");
        call.complete(FakePluginService.succeeded(context));
        while (!answers.toString().contains("\"result\":{\"n\":" + i + "}")) {
          byte[] buffer = new byte[4096];
          int count = socket.getInputStream().read(buffer);
          assertThat(count).isPositive();
          answers.append(new String(buffer, 0, count, StandardCharsets.UTF_8));
        }
      }
    }
  }

  @Test
  void aClientThatLeavesCancelsItsCall() throws Exception {
    var call = new CompletableFuture<ExecutionResult>();
    var begun = new CompletableFuture<Void>();
    berth.service.onExecute =
        _ -> {
          begun.complete(null);
          return call;
        };
    Socket socket = berth.socket();
    socket.getOutputStream().write(executeHead("{}"));
    socket.getOutputStream().flush();
    begun.get(10, TimeUnit.SECONDS);
    assertThat(call).isNotDone();

    socket.close();

    assertThat(call.handle((_, failure) -> failure).get(10, TimeUnit.SECONDS))
        .isInstanceOf(java.util.concurrent.CancellationException.class);
  }

  @Test
  void aCallMayTakeLongerThanAConnectionMayBeIdle() throws Exception {
    try (ServerFixture tight = ServerFixture.serving(ServerFixture.impatient());
        var timer = Executors.newSingleThreadScheduledExecutor()) {
      tight.service.onExecute =
          request -> {
            var call = new CompletableFuture<ExecutionResult>();
            var _ =
                timer.schedule(
                    () -> call.complete(FakePluginService.succeeded(request.context())),
                    1500,
                    TimeUnit.MILLISECONDS);
            return call;
          };

      assertThat(tight.execute("{}").statusCode()).isEqualTo(200);
    }
  }

  @Test
  void aBodyThatStopsHalfWayNeverReachesThePlugin() throws Exception {
    berth.service.onExecute =
        _ -> {
          throw new AssertionError("called");
        };
    try (Socket socket = berth.socket()) {
      socket
          .getOutputStream()
          .write(
              ("POST " + PATH + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"con")
                  .getBytes(StandardCharsets.US_ASCII));
      socket.shutdownOutput();
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

      assertThat(answer).startsWith("HTTP/1.1 400").contains("body_incomplete");
    }
  }

  @Test
  void whatTheServiceThrowsIsAnswered() throws Exception {
    berth.service.onExecute =
        _ -> {
          throw new PluginException(ErrorCode.PLUGIN_OVERLOADED, "too many calls");
        };
    HttpResponse<String> busy = berth.execute("{}");
    assertThat(busy.statusCode()).isEqualTo(503);
    assertThat(busy.headers().firstValue("retry-after")).contains("1");

    berth.service.onExecute =
        _ -> {
          throw new IllegalStateException("secret detail");
        };
    HttpResponse<String> broken = berth.execute("{}");
    assertThat(broken.statusCode()).isEqualTo(500);
    assertThat(broken.body()).doesNotContain("secret detail");

    // The same when the body comes after its head.
    String body = "{\"context\":{}}";
    String whole = new String(executeHead(body), StandardCharsets.US_ASCII);
    int bodyAt = whole.length() - body.length();
    try (Socket socket = berth.socket()) {
      socket
          .getOutputStream()
          .write(whole.substring(0, bodyAt + 1).getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().flush();
      // An answer to another shows that the loop has seen the head.
      assertThat(berth.get("/health/live").statusCode()).isEqualTo(200);
      socket
          .getOutputStream()
          .write(whole.substring(bodyAt + 1).getBytes(StandardCharsets.US_ASCII));
      byte[] answer = new byte[12];
      assertThat(socket.getInputStream().readNBytes(answer, 0, 12)).isEqualTo(12);
      assertThat(new String(answer, StandardCharsets.US_ASCII)).isEqualTo("HTTP/1.1 500");
    }
  }

  @Test
  @SuppressWarnings("try") // one of the two clients leaves by itself
  void connectionsThatWaitGiveTheirBuffersBackWhenTheyEnd() throws Exception {
    try (ServerFixture tight = ServerFixture.serving(ServerFixture.impatient())) {
      ManagedSelector loop =
          tight
              .server
              .connector()
              .getSelectorManager()
              .getBeans(ManagedSelector.class)
              .iterator()
              .next();
      // Answered on the loop, outside the request's own turn, as plugins' answers are.
      tight.service.onExecute =
          request -> {
            var call = new CompletableFuture<ExecutionResult>();
            loop.submit(_ -> call.complete(FakePluginService.succeeded(request.context())));
            return call;
          };
      try (Socket leaves = tight.socket();
          Socket idles = tight.socket()) {
        for (Socket socket : List.of(leaves, idles, leaves, idles)) {
          socket.getOutputStream().write(executeHead("{}"));
          byte[] answer = new byte[4096];
          int count = socket.getInputStream().read(answer);
          assertThat(new String(answer, 0, count, StandardCharsets.US_ASCII))
              .startsWith("HTTP/1.1 200");
        }
        leaves.close();
        assertThat(idles.getInputStream().read()).isEqualTo(-1);
      }
      tight.server.close();

      var pool = (ArrayByteBufferPool) tight.server.connector().getByteBufferPool();
      assertThat(pool.getDirectByteBufferCount())
          .isEqualTo(pool.getAvailableDirectByteBufferCount());
    }
  }

  private static byte[] executeHead(String body) {
    return ("POST "
            + PATH
            + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body)
        .getBytes(StandardCharsets.US_ASCII);
  }
}
