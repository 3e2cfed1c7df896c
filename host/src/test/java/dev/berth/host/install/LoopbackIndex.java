package dev.berth.host.install;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A package index on loopback (PEP 503) that serves a folder, honestly or not. */
public final class LoopbackIndex implements AutoCloseable {
  /** What it does to who asks. */
  public enum Manner {
    HONEST,
    /** Announces hashes that its files do not have. */
    LYING,
    /** Takes the question and never answers. */
    SILENT,
    /** Answers 503. */
    FAILING
  }

  private final Path folder;
  private volatile Manner manner;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  /** Comes down to zero with the first question. */
  volatile CountDownLatch asked = new CountDownLatch(1);

  LoopbackIndex(Path folder, Manner manner) throws IOException {
    this.folder = folder;
    this.manner = manner;
    this.server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  /** Behaves otherwise from now on. */
  public void turn(Manner now) {
    asked = new CountDownLatch(1);
    manner = now;
  }

  /** Waits until somebody asks, since it behaves as it does. */
  public void awaitQuestion() throws InterruptedException {
    if (!asked.await(60, TimeUnit.SECONDS)) {
      throw new AssertionError("nobody asked the index");
    }
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/simple/";
  }

  private void answer(HttpExchange exchange) throws IOException {
    asked.countDown();
    switch (manner) {
      case SILENT -> {
        return; // The exchange stays open until the server stops.
      }
      case FAILING -> exchange.sendResponseHeaders(503, -1);
      case HONEST, LYING -> {
        String path = exchange.getRequestURI().getPath();
        if (path.startsWith("/simple/")) {
          send(exchange, "text/html", page(path.substring(8).replace("/", "")));
        } else {
          Path file = folder.resolve(path.substring(path.lastIndexOf('/') + 1));
          if (Files.isRegularFile(file)) {
            send(exchange, "application/octet-stream", Files.readAllBytes(file));
          } else {
            exchange.sendResponseHeaders(404, -1);
          }
        }
      }
    }
    exchange.close();
  }

  private byte[] page(String project) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file ->
              DependencyRequirement.normalize(
                      file.getFileName().toString().replaceFirst("-\\d.*", ""))
                  .equals(project))
          .map(this::link)
          .collect(Collectors.joining("\n", "<!DOCTYPE html><html><body>", "</body></html>"))
          .getBytes(StandardCharsets.UTF_8);
    }
  }

  private String link(Path file) {
    try {
      byte[] content = manner == Manner.LYING ? new byte[] {'x'} : Files.readAllBytes(file);
      String name = file.getFileName().toString();
      return "<a href=\"/files/" + name + "#sha256=" + Wheels.hex(content) + "\">" + name + "</a>";
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  private static void send(HttpExchange exchange, String type, byte[] body) throws IOException {
    exchange.getResponseHeaders().set("Content-Type", type);
    if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(200, -1);
      return;
    }
    exchange.sendResponseHeaders(200, body.length);
    exchange.getResponseBody().write(body);
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
