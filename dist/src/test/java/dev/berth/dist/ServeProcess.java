package dev.berth.dist;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** {@code berth serve} as a program of its own: with another environment, and to be killed. */
final class ServeProcess implements AutoCloseable {
  private static final Pattern READY = Pattern.compile("ready at (http://\\S+),");

  private final Process process;
  private final CompletableFuture<String> url = new CompletableFuture<>();
  private final StringBuilder said = new StringBuilder(); // guarded by itself
  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  ServeProcess(Path data, Map<String, String> environment, String... options) {
    this(List.of(), data, environment, options);
  }

  /**
   * @param under what runs it, e.g. {@code setpriv --reuid 65534}
   */
  ServeProcess(List<String> under, Path data, Map<String, String> environment, String... options) {
    List<String> command = new ArrayList<>(under);
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            // As the tests' own JVM: it ends before more would pay.
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            "dev.berth.dist.Main",
            "serve",
            "--port",
            "0",
            "--data",
            data.toString()));
    command.addAll(List.of(options));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    try {
      process = builder.start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Thread.ofPlatform().daemon().start(this::listen);
  }

  private void listen() {
    try (var out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = out.readLine()) != null) {
        say(line + "\n");
        Matcher ready = READY.matcher(line);
        if (ready.find()) {
          url.complete(ready.group(1));
        }
      }
    } catch (IOException e) {
      say(String.valueOf(e));
    }
    url.completeExceptionally(new IllegalStateException("ended:\n" + said()));
  }

  private void say(String text) {
    synchronized (said) {
      said.append(text);
    }
  }

  /** What it has written till now. */
  String said() {
    synchronized (said) {
      return said.toString();
    }
  }

  /** Its exit code, when it is not to come up. */
  int failed() {
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        throw new AssertionError("still running:\n" + said());
      }
      return process.exitValue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  RunningBerth.Answer get(String path) {
    return send(HttpRequest.newBuilder(uri(path)).GET());
  }

  RunningBerth.Answer post(String path, String json) {
    return send(
        HttpRequest.newBuilder(uri(path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(json)));
  }

  RunningBerth.Answer upload(String path, Path archive) {
    return send(RunningBerth.upload(HttpRequest.newBuilder(uri(path)), archive));
  }

  RunningBerth.Answer execute(String id, String context) {
    return post("/api/plugins/" + id + "/execute", "{\"context\":" + context + "}");
  }

  private URI uri(String path) {
    return URI.create(url.orTimeout(60, TimeUnit.SECONDS).join() + path);
  }

  private RunningBerth.Answer send(HttpRequest.Builder request) {
    try {
      var response = http.send(request.build(), BodyHandlers.ofString());
      return new RunningBerth.Answer(
          response.statusCode(),
          response.headers().firstValue("content-type").orElse(""),
          response.body());
    } catch (IOException e) {
      throw new UncheckedIOException(said(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  void killHard() {
    process.destroyForcibly();
    try {
      process.waitFor();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        throw new AssertionError("berth serve does not end:\n" + said());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    http.close();
  }
}
