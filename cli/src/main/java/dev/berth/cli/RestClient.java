package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.cli.ServerEvents.Event;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.function.Consumer;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Talks to one server. Every method throws {@link PluginException} with an {@link ExitCode} and
 * nothing else. How long a request may take is the server's to say, so there is no limit here but
 * on connecting.
 */
final class RestClient implements AutoCloseable {
  private static final String EVENTS = "text/event-stream";
  private static final Duration CONNECT = Duration.ofSeconds(5);

  private final URI base;
  private final @Nullable String apiKey;
  private final HttpClient http;

  /** The server at {@code base}, an http or https address that may end in a path. */
  RestClient(URI base, @Nullable String apiKey) {
    this.base = base;
    this.apiKey = apiKey;
    HttpClient.Builder builder =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .followRedirects(HttpClient.Redirect.NEVER);
    if (!"https".equals(base.getScheme())) {
      builder.sslContext(trustingNobody());
    }
    this.http = builder.build();
  }

  /** An answer that is not an error: one JSON value, as it came. */
  record Reply(String text) {
    JsonNode json() {
      return JsonText.parse(text);
    }
  }

  /** What a request carries. */
  record Body(String contentType, BodyPublisher bytes) {
    static final Body NONE = new Body("", BodyPublishers.noBody());

    static Body json(String json) {
      return new Body("application/json", BodyPublishers.ofString(json));
    }
  }

  /**
   * Left to itself the client reads the machine's certificates even to speak plain HTTP, which is a
   * good part of the time that a short command takes.
   */
  private static SSLContext trustingNobody() {
    try {
      var context = SSLContext.getInstance("TLS");
      context.init(new KeyManager[0], new TrustManager[0], null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has TLS", e);
    }
  }

  Reply get(String path) {
    return send("GET", path, Body.NONE);
  }

  /** Sends a request and waits for its answer. */
  Reply send(String method, String path, Body body) {
    HttpRequest request = request(method, path, body, "application/json");
    HttpResponse<byte[]> response = exchange(request, BodyHandlers.ofByteArray());
    return reply(request, response.statusCode(), contentType(response), response.body());
  }

  /**
   * Sends a request whose answer may come as events. Gives each to {@code listener} until the one
   * named {@code result}, which is the answer, or {@code error}, which is thrown.
   */
  Reply watch(String method, String path, Body body, Consumer<Event> listener) {
    HttpRequest request = request(method, path, body, EVENTS);
    HttpResponse<InputStream> response = exchange(request, BodyHandlers.ofInputStream());
    try (InputStream stream = response.body()) {
      if (!contentType(response).equals(EVENTS)) {
        return reply(request, response.statusCode(), contentType(response), stream.readAllBytes());
      }
      var events = new ServerEvents(stream);
      for (Event event = events.next(); event != null; event = events.next()) {
        switch (event.name()) {
          case "result" -> {
            return new Reply(event.data());
          }
          case "error" -> throw Problem.parse(event.data(), 500).failure();
          default -> listener.accept(event);
        }
      }
      throw broken("it ended before the answer");
    } catch (IOException e) {
      throw broken(reason(e));
    }
  }

  /** Follows a stream without an end. Returns when the server ends it. */
  void follow(String path, Consumer<Event> listener) {
    HttpRequest request = request("GET", path, Body.NONE, EVENTS);
    HttpResponse<InputStream> response = exchange(request, BodyHandlers.ofInputStream());
    try (InputStream stream = response.body()) {
      if (!contentType(response).equals(EVENTS)) {
        reply(request, response.statusCode(), contentType(response), stream.readAllBytes());
        throw stranger(request, response.statusCode());
      }
      var events = new ServerEvents(stream);
      for (Event event = events.next(); event != null; event = events.next()) {
        if (event.name().equals("error")) {
          throw Problem.parse(event.data(), 500).failure();
        }
        listener.accept(event);
      }
    } catch (IOException e) {
      throw broken(reason(e));
    }
  }

  private HttpRequest request(String method, String path, Body body, String accept) {
    var request =
        HttpRequest.newBuilder(URI.create(base + path))
            .method(method, body.bytes())
            .header("Accept", accept.equals(EVENTS) ? EVENTS + ", application/json;q=0.9" : accept);
    if (!body.contentType().isEmpty()) {
      request.header("Content-Type", body.contentType());
    }
    if (apiKey != null) {
      request.header("Authorization", "Bearer " + apiKey);
    }
    return request.build();
  }

  private <T> HttpResponse<T> exchange(HttpRequest request, HttpResponse.BodyHandler<T> handler) {
    try {
      return http.send(request, handler);
    } catch (ConnectException | HttpConnectTimeoutException _) {
      throw ExitCode.UNREACHABLE.failure(
          ErrorCode.SERVER_UNREACHABLE,
          "No Berth server answers at "
              + base
              + ". Start one with `berth serve`, or name another with --server or BERTH_URL.");
    } catch (IOException e) {
      throw broken(reason(e));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw ExitCode.INTERRUPTED.failure(ErrorCode.CANCELLED, "Stopped.");
    }
  }

  private Reply reply(HttpRequest request, int status, String contentType, byte[] body) {
    String text = new String(body, StandardCharsets.UTF_8);
    if (status >= 400 && contentType.equals("application/problem+json")) {
      throw Problem.parse(text, status).failure();
    }
    if (status / 100 == 2 && body.length == 0) {
      return new Reply("{}");
    }
    if (status / 100 != 2 || !contentType.equals("application/json")) {
      throw stranger(request, status);
    }
    return new Reply(text);
  }

  private PluginException stranger(HttpRequest request, int status) {
    ExitCode exit = status >= 400 ? ExitCode.ofStatus(status) : ExitCode.FAILED;
    return exit.failure(
        ErrorCode.NOT_FOUND,
        "%s answered %s %s with status %d, and not as a Berth server does. Is --server or BERTH_URL right?"
            .formatted(base, request.method(), request.uri().getPath(), status));
  }

  private PluginException broken(String why) {
    return ExitCode.UNREACHABLE.failure(
        ErrorCode.SERVER_UNREACHABLE,
        "The connection to "
            + base
            + " broke: "
            + why
            + ". The server may or may not have done it; `berth list` and `berth logs` tell.");
  }

  /** Ends its thread. Left running, the JVM would wait a third of a second for it at exit. */
  @Override
  public void close() {
    http.shutdownNow();
    try {
      http.awaitTermination(CONNECT);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private static String contentType(HttpResponse<?> response) {
    String value = response.headers().firstValue("Content-Type").orElse("");
    int end = value.indexOf(';');
    return (end < 0 ? value : value.substring(0, end)).strip().toLowerCase(java.util.Locale.ROOT);
  }

  private static String reason(IOException e) {
    String message = e.getMessage();
    return message == null ? e.getClass().getSimpleName() : message;
  }
}
