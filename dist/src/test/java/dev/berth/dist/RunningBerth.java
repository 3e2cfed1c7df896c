package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.cli.LocalOperations.ServeOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A whole Berth on a free port and a folder of its own, and a client that sees only REST. Every
 * problem that it is answered has to be as docs/openapi.yaml says.
 */
final class RunningBerth implements AutoCloseable {
  static final JsonMapper JSON = new JsonMapper();

  /** What every plugin of the tests that misbehaves can do as well. */
  private static final String NOTHING = "{\"do\":\"nothing\"}";

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final Path data;
  private final Hosting hosting;
  private Boot boot;

  RunningBerth(Path data) {
    this(data, Hostings.PROCESS);
  }

  RunningBerth(Path data, Hosting hosting) {
    this.data = data;
    this.hosting = hosting;
    this.boot = start();
  }

  private Boot start() {
    return Boot.start(new ServeOptions("127.0.0.1", 0, data, hosting));
  }

  /** Stops it in order and starts it again on the same data. */
  void restart() {
    boot.close();
    boot = start();
  }

  String url() {
    return boot.url();
  }

  Path data() {
    return data;
  }

  Boot boot() {
    return boot;
  }

  /** What came back. */
  record Answer(int status, String type, String body) {
    JsonNode json() {
      return JSON.readTree(body);
    }

    String code() {
      return json().path("code").asString("");
    }

    String detail() {
      return json().path("detail").asString("");
    }
  }

  Answer get(String path) {
    return send(HttpRequest.newBuilder(URI.create(url() + path)).GET());
  }

  Answer delete(String path) {
    return send(HttpRequest.newBuilder(URI.create(url() + path)).DELETE());
  }

  Answer post(String path, String json) {
    return send(
        HttpRequest.newBuilder(URI.create(url() + path))
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(json)));
  }

  Answer post(String path) {
    return send(HttpRequest.newBuilder(URI.create(url() + path)).POST(BodyPublishers.noBody()));
  }

  Answer put(String path, String json) {
    return send(
        HttpRequest.newBuilder(URI.create(url() + path))
            .header("Content-Type", "application/json")
            .PUT(BodyPublishers.ofString(json)));
  }

  /** Uploads an archive as {@code curl -F file=@archive} does. */
  Answer upload(String path, Path archive) {
    return send(upload(HttpRequest.newBuilder(URI.create(url() + path)), archive));
  }

  static HttpRequest.Builder upload(HttpRequest.Builder request, Path archive) {
    String boundary = "----berth-test";
    var head =
        "--"
            + boundary
            + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\""
            + archive.getFileName()
            + "\"\r\nContent-Type: application/octet-stream\r\n\r\n";
    try {
      return request
          .header("Content-Type", "multipart/form-data; boundary=" + boundary)
          .POST(
              BodyPublishers.concat(
                  BodyPublishers.ofString(head),
                  BodyPublishers.ofByteArray(Files.readAllBytes(archive)),
                  BodyPublishers.ofString("\r\n--" + boundary + "--\r\n")));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Installs a folder of a plugin and gives its id; fails the test with the answer otherwise. */
  String install(Path archive) {
    Answer answer = upload("/api/plugins/install", archive);
    if (answer.status() != 200 && answer.status() != 201) {
      throw new AssertionError("install: " + answer);
    }
    return answer.json().path("plugin_id").asString();
  }

  /** Installs and enables. */
  String running(Path archive) {
    String id = install(archive);
    Answer answer = post("/api/plugins/" + id + "/enable");
    if (answer.status() != 200) {
      throw new AssertionError("enable: " + answer);
    }
    return id;
  }

  Answer execute(String id, String context) {
    return post("/api/plugins/" + id + "/execute", "{\"context\":" + context + "}");
  }

  /** What a call gives that succeeds; fails the test with the answer otherwise. */
  JsonNode result(String id, String context) {
    Answer answer = execute(id, context);
    assertThat(answer.status()).as(context + ": " + answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  /**
   * The very next call is answered, whatever became of its worker. One that was given up, after so
   * many crashes in a row, is enabled before.
   */
  void stillWorks(String id) {
    Answer answer = execute(id, NOTHING);
    if (answer.status() == 503) {
      assertThat(answer.code()).as(answer.body()).isEqualTo("plugin_failed");
      assertThat(post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      answer = execute(id, NOTHING);
    }
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
  }

  private Answer send(HttpRequest.Builder request) {
    try {
      HttpResponse<String> response = http.send(request.build(), BodyHandlers.ofString());
      String type = response.headers().firstValue("content-type").orElse("");
      if (type.startsWith("application/problem+json")) {
        ProblemSchema.check(response.body());
      }
      return new Answer(response.statusCode(), type, response.body());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Override
  public void close() {
    boot.close();
    http.close();
  }
}
