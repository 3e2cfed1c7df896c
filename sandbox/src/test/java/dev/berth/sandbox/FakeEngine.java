package dev.berth.sandbox;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A Docker engine that answers what its test says. */
final class FakeEngine implements AutoCloseable {
  /** What an image's Python answers to the question it is asked. */
  static final String PYTHON =
      "berth cpython 3 12 1\n.cpython-312-x86_64-linux-gnu.so\n/usr/bin/python3\nlibc glibc 2.36\n";

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final Map<String, HttpHandler> answers = new ConcurrentHashMap<>();

  /** What it was asked: method and path with its query, in order. */
  final List<String> asked = new CopyOnWriteArrayList<>();

  FakeEngine() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(threads);
    server.createContext("/", this::answer);
    on("GET /version", json("{\"ApiVersion\":\"1.43\"}"));
    on("GET /_ping", json("{}"));
    server.start();
  }

  String host() {
    return "tcp://127.0.0.1:" + server.getAddress().getPort();
  }

  /**
   * @param what method and path, e.g. {@code GET /info}; the API's version and the query left out
   */
  void on(String what, HttpHandler answer) {
    answers.put(what, answer);
  }

  /** Has an image of this name, with a Python in it. */
  void has(String image) {
    on("GET /images/" + image + "/json", json("{\"Id\":\"sha256:" + image + "\"}"));
    on("POST /containers/create", json("{\"Id\":\"c\"}"));
    on("POST /containers/c/start", json("{}"));
    on("POST /containers/c/wait", json("{\"StatusCode\":0}"));
    on("DELETE /containers/c", json("{}"));
    on(
        "GET /containers/c/logs",
        exchange -> {
          byte[] text = PYTHON.getBytes(StandardCharsets.UTF_8);
          byte[] frame = new byte[8 + text.length];
          frame[0] = 1;
          frame[7] = (byte) text.length;
          System.arraycopy(text, 0, frame, 8, text.length);
          send(exchange, 200, frame);
        });
  }

  static HttpHandler json(String text) {
    return status(200, text);
  }

  static HttpHandler status(int status, String text) {
    return exchange -> send(exchange, status, text.getBytes(StandardCharsets.UTF_8));
  }

  /** Begins to answer with these lines and does not end. */
  static OutputStream begin(HttpExchange exchange, String... lines) throws IOException {
    exchange.sendResponseHeaders(200, 0);
    OutputStream body = exchange.getResponseBody();
    for (String line : lines) {
      body.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    }
    body.flush();
    return body;
  }

  private static void send(HttpExchange exchange, int status, byte[] body) throws IOException {
    exchange.sendResponseHeaders(status, body.length);
    try (OutputStream out = exchange.getResponseBody()) {
      out.write(body);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    asked.add(exchange.getRequestMethod() + " " + exchange.getRequestURI());
    String what = exchange.getRequestMethod() + " " + path.replaceFirst("^/v1\\.\\d+/", "/");
    answers
        .getOrDefault(what, status(404, "{\"message\":\"no such thing\"}"))
        .handle(exchange); // what it throws breaks the connection
  }

  long count(String beginning) {
    return asked.stream().filter(line -> line.startsWith(beginning)).count();
  }

  /** Is gone, with its connections. */
  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
