package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.InputStream;
import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import org.eclipse.jetty.client.CompletableResponseListener;
import org.eclipse.jetty.client.ContentResponse;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.InputStreamRequestContent;
import org.eclipse.jetty.client.Request;
import org.eclipse.jetty.client.StringRequestContent;
import org.eclipse.jetty.client.transport.HttpClientTransportOverHTTP;
import org.eclipse.jetty.http.HttpMethod;
import org.eclipse.jetty.io.ByteBufferPool;
import org.eclipse.jetty.io.ClientConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A client of the Engine API (docs.docker.com/reference/api/engine), as far as it is needed here.
 * Every method throws {@code sandbox_unavailable} when the engine doesn't answer.
 */
final class DockerEngine implements AutoCloseable {
  private static final JsonMapper json = JsonMapper.builder().build();

  /** A question that only asks. An engine that stands still is noticed in this time. */
  private static final Duration QUICK = Duration.ofSeconds(3);

  private static final Duration LONG = Duration.ofSeconds(60);
  private static final Duration BUILD = Duration.ofMinutes(10);
  static final long LOOK_AGAIN_MS = 1500;
  private static final int BLOCK = 1 << 16;
  private static final int CONNECTIONS = 256;
  private static final int THREADS = 16;

  /** An answer. The body is missing where it was empty. */
  record Answer(int status, JsonNode body) {
    boolean ok() {
      return status < 300;
    }

    String message() {
      return Text.printable(body.path("message").asString(""), 500);
    }
  }

  private final EngineAddress address;
  private final HttpClient client;
  private final EngineStream stream = new EngineStream(this);
  private volatile String prefix = "";

  private DockerEngine(EngineAddress address, HttpClient client) {
    this.address = address;
    this.client = client;
  }

  /**
   * Connects and agrees on a version.
   *
   * @param host as DOCKER_HOST says it, {@code unix:///path} or {@code tcp://host:port}; null or
   *     empty for the usual socket
   * @throws PluginException {@code sandbox_unavailable}
   */
  static DockerEngine connect(@Nullable String host) {
    EngineAddress address = EngineAddress.of(host);
    HttpClient client = new HttpClient(new HttpClientTransportOverHTTP(new ClientConnector()));
    QueuedThreadPool threads = new QueuedThreadPool(THREADS, 2);
    threads.setName("berth-docker");
    threads.setDaemon(true);
    client.setExecutor(threads);
    client.setMaxConnectionsPerDestination(CONNECTIONS);
    client.setConnectTimeout(QUICK.toMillis());
    client.setIdleTimeout(0); // the stream of events is silent for hours
    client.setFollowRedirects(false);
    try {
      client.start();
    } catch (Exception e) {
      throw new PluginException(ErrorCode.INTERNAL, "The HTTP client doesn't start: " + e, e);
    }
    DockerEngine engine = new DockerEngine(address, client);
    try {
      engine.agree();
      return engine;
    } catch (RuntimeException e) {
      engine.close();
      throw e;
    }
  }

  /** Agrees on a version; anew after the engine was away, for it may be another by then. */
  void agree() {
    Request request = versioned("/version").timeout(QUICK.toMillis(), TimeUnit.MILLISECONDS);
    prefix = "/v" + DockerApi.agree(address.host(), send(request, QUICK).body());
  }

  /** Whether it answers at all, asked with little patience. */
  void ping() {
    Request request = versioned("/_ping").timeout(QUICK.toMillis(), TimeUnit.MILLISECONDS);
    Answer answer = send(request, QUICK);
    if (!answer.ok()) {
      throw unavailable("it answered " + answer.status(), null);
    }
  }

  Answer get(String path) {
    return send(HttpMethod.GET, path, null, QUICK);
  }

  /** Does something that may take the engine a while. */
  Answer post(String path, @Nullable Object body) {
    return send(HttpMethod.POST, path, body, LONG);
  }

  Answer delete(String path) {
    return send(HttpMethod.DELETE, path, null, LONG);
  }

  /** Removes a container, running or not, and the volumes that the engine made for it. */
  Answer remove(String container) {
    return delete("/containers/" + container + "?force=1&v=1");
  }

  private Answer send(HttpMethod method, String path, @Nullable Object body, Duration limit) {
    Request request = request(path).method(method).timeout(limit.toMillis(), TimeUnit.MILLISECONDS);
    if (body != null) {
      request.body(
          new StringRequestContent(
              "application/json", json.writeValueAsString(body), StandardCharsets.UTF_8));
    }
    return send(request, limit);
  }

  private Answer send(Request request, Duration limit) {
    CompletableFuture<ContentResponse> answer = new CompletableResponseListener(request).send();
    try {
      ContentResponse response = limit.equals(QUICK) ? answer.get() : patiently(request, answer);
      return new Answer(response.getStatus(), tree(response.getContent()));
    } catch (ExecutionException e) {
      if (e.getCause() instanceof TimeoutException) {
        throw unavailable("it did not answer within " + limit.toSeconds() + " s", e);
      }
      throw unavailable(reason(e.getCause() == null ? e : e.getCause()), e);
    } catch (JacksonException e) {
      throw noJson(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      var _ = request.abort(e);
      throw unavailable("interrupted while waiting for it", e);
    }
  }

  /** What takes long is waited for as long as the engine answers others. */
  private ContentResponse patiently(Request request, CompletableFuture<ContentResponse> answer)
      throws ExecutionException, InterruptedException {
    while (true) {
      try {
        return answer.get(LOOK_AGAIN_MS, TimeUnit.MILLISECONDS);
      } catch (TimeoutException notYet) {
        try {
          ping();
        } catch (PluginException e) {
          var _ = request.abort(e);
          throw e;
        }
      }
    }
  }

  private Request request(String path) {
    return versioned(prefix + path);
  }

  private Request versioned(String path) {
    return client.newRequest(address.base() + path).transport(address.transport());
  }

  private static JsonNode tree(byte[] content) {
    if (content.length == 0 || (content[0] != '{' && content[0] != '[')) {
      return json.createObjectNode();
    }
    return json.readTree(content);
  }

  /**
   * Reads a stream of JSON objects, one a line, until it ends; blocks. The engine begins it at once
   * and may then be silent for long.
   *
   * @param opened called when the engine has begun to answer
   * @return the answer's status; when that isn't 200, what was read is why
   * @throws PluginException {@code sandbox_unavailable} when there is none, or it breaks
   */
  int stream(HttpMethod method, String path, Runnable opened, Consumer<JsonNode> each) {
    Request request = request(path).method(method);
    try {
      return stream.read(request, QUICK, opened, each);
    } catch (TimeoutException e) {
      throw unavailable("it did not answer within " + QUICK.toSeconds() + " s", e);
    }
  }

  /**
   * Reads likewise what the engine says of an image that it fetches. It begins with the first news,
   * which may be late.
   */
  void pull(String path, Consumer<JsonNode> each) {
    try {
      var _ = stream.readPatiently(request(path).method(HttpMethod.POST), each);
    } catch (TimeoutException e) {
      throw unavailable("it has not begun to fetch within a day", e);
    }
  }

  /**
   * Builds an image; what the engine says of it comes line by line. Blocks.
   *
   * @throws TimeoutException when it takes longer than {@link #BUILD}
   */
  void build(String path, InputStream context, Consumer<JsonNode> each) throws TimeoutException {
    var buffers = new ByteBufferPool.Sized(client.getByteBufferPool(), false, BLOCK);
    Request request =
        request(path)
            .method(HttpMethod.POST)
            .timeout(BUILD.toMillis(), TimeUnit.MILLISECONDS)
            .body(new InputStreamRequestContent("application/x-tar", context, buffers));
    var _ = stream.readPatiently(request, each);
  }

  /** What a line of such a stream says went wrong; empty when it is none of those. */
  static String error(JsonNode line) {
    for (JsonNode why :
        List.of(
            line.path("errorDetail").path("message"), line.path("error"), line.path("message"))) {
      if (!why.asString("").isEmpty()) {
        return why.asString();
      }
    }
    return "";
  }

  PluginException noJson(JacksonException e) {
    return unavailable("it answered what is not JSON", e);
  }

  /** What a container of the json-file log wrote, line by line. */
  List<String> logs(String container) {
    Request request =
        request("/containers/" + container + "/logs?stdout=1&stderr=1")
            .timeout(QUICK.toMillis(), TimeUnit.MILLISECONDS);
    try {
      ByteBuffer frames = ByteBuffer.wrap(request.send().getContent());
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      // Each frame: stream, three zeros, a 32-bit length, the bytes.
      while (frames.remaining() >= 8) {
        int length = frames.getInt(frames.position() + 4);
        frames.position(frames.position() + 8);
        byte[] piece = new byte[Math.clamp(length, 0, frames.remaining())];
        frames.get(piece);
        text.writeBytes(piece);
      }
      return text.toString(StandardCharsets.UTF_8).lines().toList();
    } catch (TimeoutException e) {
      throw unavailable("it did not answer within " + QUICK.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw unavailable(String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable("interrupted while waiting for it", e);
    }
  }

  /** What went wrong, in words where it has some. */
  private static String reason(Throwable failure) {
    if (failure instanceof EOFException) {
      return "the connection broke"; // its message tells of the client's inner life
    }
    String message = failure.getMessage();
    return message == null || message.isBlank() ? failure.getClass().getSimpleName() : message;
  }

  /** Does what is to be done also by a thread that has been interrupted. */
  static void evenInterrupted(Runnable work) {
    boolean interrupted = Thread.interrupted();
    try {
      work.run();
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  PluginException unavailable(String why, @Nullable Throwable cause) {
    return address.unavailable(why, cause);
  }

  static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    try {
      client.stop();
    } catch (Exception e) {
      throw new PluginException(ErrorCode.INTERNAL, "The HTTP client doesn't stop: " + e, e);
    }
  }
}
