package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/** Answers that are event streams. */
class StreamTest {
  private ServerFixture berth;

  @BeforeEach
  void start() {
    berth = ServerFixture.serving();
  }

  @AfterEach
  void stop() {
    berth.close();
  }

  /** Reads an event stream. */
  private static final class Events implements AutoCloseable {
    private final BufferedReader reader;

    Events(HttpResponse<InputStream> response) {
      assertThat(response.statusCode()).isEqualTo(200);
      assertThat(response.headers().firstValue("content-type")).contains("text/event-stream");
      reader = new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8));
    }

    /** The next event as its lines with a space between; null at the end. */
    String next() throws IOException {
      var event = new StringBuilder();
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (line.startsWith(":")) {
          continue;
        }
        if (line.isEmpty()) {
          if (!event.isEmpty()) {
            return event.toString().strip();
          }
          continue;
        }
        event.append(line).append(' ');
      }
      return null;
    }

    @Override
    public void close() throws IOException {
      reader.close();
    }
  }

  private Events events(HttpRequest.Builder request) throws Exception {
    return new Events(berth.stream(request.header("Accept", "text/event-stream")));
  }

  private HttpRequest.Builder execute(String body) {
    return berth
        .request("/api/plugins/plugin_dice/execute")
        .POST(HttpRequest.BodyPublishers.ofString(body));
  }

  @Test
  void aCallTellsItsProgressAndPartsThenItsResult() throws Exception {
    berth.service.onExecute =
        request -> {
          var call = new CompletableFuture<ExecutionResult>();
          Thread.startVirtualThread(() -> {
            request.listener().onProgress(0.5, "half");
            request.listener().onProgress(null, "");
            request.listener().onPartial(Json.of("{\"a\":\n1}"));
            call.complete(FakePluginService.succeeded(request.context()));
          });
          return call;
        };
    try (Events events = events(execute("{\"context\":{\"b\":2}}"))) {
      assertThat(events.next())
          .isEqualTo("event: progress data: {\"fraction\":0.5,\"message\":\"half\"}");
      assertThat(events.next())
          .isEqualTo("event: progress data: {\"fraction\":null,\"message\":\"\"}");
      assertThat(events.next()).isEqualTo("event: partial data: {\"value\":{\"a\": 1}}");
      assertThat(events.next())
          .isEqualTo(
              "event: result data:"
                  + " {\"success\":true,\"result\":{\"b\":2},\"execution_time\":0.245000}");
      assertThat(events.next()).isNull();
    }
  }

  @Test
  void aCallThatFailsEndsItsStreamWithTheProblem() throws Exception {
    berth.service.onExecute =
        _ ->
            CompletableFuture.completedFuture(
                new ExecutionResult.Failed(
                    new PluginException(ErrorCode.PLUGIN_ERROR, "no dice"), Duration.ofMillis(1)));
    try (Events events = events(execute("{}"))) {
      assertThat(events.next()).startsWith("event: error data: {").contains("\"plugin_error\"");
      assertThat(events.next()).isNull();
    }
  }

  @Test
  void whatIsWrongWithTheRequestIsAnErrorOfTheRequest() throws Exception {
    HttpResponse<String> response =
        berth.send(execute("{\"contxt\":{}}").header("Accept", "text/event-stream"));
    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(ServerFixture.code(response)).isEqualTo("unknown_field");
  }

  @Test
  void aReaderThatLeavesCancelsItsCall() throws Exception {
    var call = new CompletableFuture<ExecutionResult>();
    berth.service.onExecute =
        request -> {
          request.listener().onProgress(0.1, "begun");
          return call;
        };
    Events events = events(execute("{}"));
    assertThat(events.next()).contains("begun");

    events.close();

    assertThat(call.handle((_, failure) -> failure).get(20, TimeUnit.SECONDS))
        .isInstanceOf(CancellationException.class);
  }

  /** It is nobody's fault, and a client can do it as often as it likes. */
  @Test
  void aReaderThatLeavesIsNoErrorInTheLog() throws Exception {
    var log = new ListAppender<ILoggingEvent>();
    log.start();
    var logger = (Logger) LoggerFactory.getLogger(ProgressStream.class);
    logger.addAppender(log);
    try {
      aReaderThatLeavesCancelsItsCall();
      berth.server.drain(); // The request is over then.
      assertThat(log.list)
          .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.INFO))
          .isEmpty();
    } finally {
      logger.detachAppender(log);
    }
  }

  @Test
  void partsThatAreNotReadEndTheCallRatherThanFillTheMemory() throws Exception {
    var call = new CompletableFuture<ExecutionResult>();
    Json part = Json.of("\"" + "x".repeat(100_000) + "\"");
    var told = new CompletableFuture<Integer>();
    berth.service.onExecute =
        request -> {
          Thread.startVirtualThread(() -> {
            int count = 0;
            while (!call.isDone()) {
              request.listener().onPartial(part);
              count++;
            }
            told.complete(count);
          });
          return call;
        };
    try (var socket = berth.socket()) {
      socket.setReceiveBufferSize(4096);
      socket
          .getOutputStream()
          .write(
              ("POST /api/plugins/plugin_dice/execute HTTP/1.1\r\nHost: localhost\r\n"
                      + "Accept: text/event-stream\r\nContent-Length: 2\r\n\r\n{}")
                  .getBytes(StandardCharsets.US_ASCII));

      assertThat(told.get(20, TimeUnit.SECONDS)).isLessThan(1000);
      assertThat(call).isCancelled();
    }
  }

  @Test
  void anInstallTellsItsSteps() throws Exception {
    try (Events events =
        events(berth.multipart("/api/plugins/install", ServerFixture.filePart("a.zip", "x")))) {
      assertThat(events.next())
          .isEqualTo("event: progress data: {\"step\":\"read\",\"message\":\"reading\"}");
      assertThat(events.next()).contains("\"register\"");
      assertThat(events.next()).startsWith("event: result data: {\"plugin_id\":\"plugin_123\"");
      assertThat(events.next()).isNull();
    }
    assertThat(berth.leftInUploads()).isEmpty();
  }

  @Test
  void aLogIsReadInPages() throws Exception {
    for (int i = 1; i <= 5; i++) {
      berth.service.log("line " + i);
    }
    String path = "/api/plugins/plugin_dice/logs";

    assertThat(ServerFixture.json(berth.get(path)).get("records").size()).isEqualTo(5);
    assertThat(berth.get(path + "?after=3&limit=1").body())
        .isEqualTo(
            "{\"plugin_id\":\"plugin_dice\",\"records\":[{\"sequence\":5,"
                + "\"time\":\"2026-01-02T03:04:05Z\",\"level\":\"INFO\",\"source\":\"logging\","
                + "\"logger\":\"main\",\"message\":\"line 5\"}]}");
    assertThat(berth.get(path + "?limit=0").statusCode()).isEqualTo(400);
    assertThat(berth.get(path + "?after=x").statusCode()).isEqualTo(400);
    assertThat(berth.get("/api/plugins/plugin_none/logs?follow=true").statusCode()).isEqualTo(404);
  }

  @Test
  void aLogIsFollowedFromWhereItWasLeft() throws Exception {
    for (int i = 1; i <= 3; i++) {
      berth.service.log("line " + i);
    }
    try (Events events =
        new Events(
            berth.stream(
                berth
                    .request("/api/plugins/plugin_dice/logs?follow=true&after=0")
                    .header("Last-Event-ID", "1")))) {
      assertThat(events.next()).startsWith("id: 2 event: log data: {\"sequence\":2");
      assertThat(events.next()).startsWith("id: 3 event: log");
      berth.service.log("line 4\nsecond");
      assertThat(events.next())
          .startsWith("id: 4 event: log")
          .contains("\"message\":\"line 4\\nsecond\"");
    }
    // Nobody listens any more once the next sign of life finds nobody there.
    berth.service.log("line 5");
  }

  @Test
  void theHeadOfALogThatIsFollowedIsTheHeadOfOneThatEnds() throws Exception {
    HttpResponse<String> head =
        berth.send(
            berth
                .request("/api/plugins/plugin_dice/logs?follow=true")
                .method("HEAD", HttpRequest.BodyPublishers.noBody()));
    assertThat(head.statusCode()).isEqualTo(200);
    assertThat(berth.service.followers).isEmpty();
  }

  @Test
  void closingTheServerEndsStreams() throws Exception {
    try (Events events = events(berth.request("/api/plugins/plugin_dice/logs?follow=true"))) {
      Thread closing = Thread.ofVirtual().start(berth.server::close);
      assertThat(events.next()).isNull();
      closing.join(10_000);
      assertThat(closing.isAlive()).isFalse();
    }
    assertThat(berth.service.followers).isEmpty();
  }
}
