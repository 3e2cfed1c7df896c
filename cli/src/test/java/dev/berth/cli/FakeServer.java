package dev.berth.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;

/** A server that answers what a test told it to and remembers what it was asked. */
final class FakeServer implements AutoCloseable {
  record Asked(String line, String accept, String contentType, String authorization, String body) {}

  private record Answer(int status, String contentType, String body, boolean cutOff) {}

  private final HttpServer http;
  private volatile String nextList = "";
  private final Map<String, Answer> answers = new ConcurrentHashMap<>();
  final List<Asked> asked = new CopyOnWriteArrayList<>();

  FakeServer() {
    try {
      http = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    http.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    http.createContext("/", this::answer);
    http.start();
    on(
        "GET /api/plugins?status=all",
        """
        {"plugins":[{"id":"plugin_d1","name":"dice","version":"1.0.0","status":"enabled",\
        "author":"Ada","description":"Rolls dice"},\
        {"id":"plugin_n2","name":"notes","version":"0.2.0","status":"installed",\
        "author":"Bob","description":"Keeps notes"}],"total":2}\
        """);
  }

  String url() {
    return "http://127.0.0.1:" + http.getAddress().getPort();
  }

  /** Answers 200 with {@code json} to {@code line}, e.g. {@code GET /api/plugins?status=all}. */
  FakeServer on(String line, String json) {
    answers.put(line, new Answer(200, "application/json", json, false));
    return this;
  }

  FakeServer on(String line, int status, String contentType, String body) {
    answers.put(line, new Answer(status, contentType, body, false));
    return this;
  }

  /** Answers with a problem of this {@code code}. */
  FakeServer problem(String line, int status, String code, String detail) {
    return on(
        line,
        status,
        "application/problem+json",
        "{\"type\":\"urn:berth:error:%s\",\"title\":\"T\",\"status\":%d,\"detail\":%s,\"code\":\"%s\"}"
            .formatted(code, status, JsonText.quote(detail), code));
  }

  /** Answers the list with one after the other, the last from then on. */
  void listsInTurn(String first, String then) {
    on("GET /api/plugins?status=all", first);
    nextList = then;
  }

  /** Sends the beginning of an answer and drops the connection. */
  FakeServer cutsOff(String line) {
    answers.put(line, new Answer(200, "application/json", "{\"plugins\":", true));
    return this;
  }

  Asked last() {
    return asked.getLast();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String line = exchange.getRequestMethod() + " " + exchange.getRequestURI();
    var headers = exchange.getRequestHeaders();
    asked.add(
        new Asked(
            line,
            String.valueOf(headers.getFirst("Accept")),
            String.valueOf(headers.getFirst("Content-Type")),
            String.valueOf(headers.getFirst("Authorization")),
            new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8)));
    Answer answer =
        answers.getOrDefault(line, new Answer(404, "text/html", "<h1>no route " + line, false));
    if (line.equals("GET /api/plugins?status=all") && !nextList.isEmpty()) {
      on(line, nextList);
    }
    byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", answer.contentType());
    exchange.sendResponseHeaders(
        answer.status(), body.length == 0 ? -1 : body.length + (answer.cutOff() ? 100 : 0));
    try (exchange) {
      if (body.length > 0) {
        OutputStream out = exchange.getResponseBody();
        out.write(body);
        out.flush();
      }
    }
  }

  @Override
  public void close() {
    http.stop(0);
  }
}
