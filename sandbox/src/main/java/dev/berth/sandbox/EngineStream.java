package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.io.BufferedReader;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.InterruptedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.eclipse.jetty.client.InputStreamResponseListener;
import org.eclipse.jetty.client.Request;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Reads an engine's answers that are streams of JSON objects, one a line. */
final class EngineStream {
  private static final Logger log = LoggerFactory.getLogger(EngineStream.class);
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private final DockerEngine engine;

  EngineStream(DockerEngine engine) {
    this.engine = engine;
  }

  /** For as long as the engine says something, or answers others. */
  int readPatiently(Request request, Consumer<JsonNode> each) throws TimeoutException {
    AtomicLong heard = new AtomicLong(System.nanoTime());
    Thread watch =
        Thread.ofVirtual().name("berth-docker-watch").start(() -> abortWhenSilent(request, heard));
    try {
      return read(
          request,
          Duration.ofDays(1),
          () -> {},
          line -> {
            heard.set(System.nanoTime());
            each.accept(line);
          });
    } finally {
      watch.interrupt();
    }
  }

  private void abortWhenSilent(Request request, AtomicLong heard) {
    try {
      while (true) {
        Thread.sleep(DockerEngine.LOOK_AGAIN_MS);
        if (System.nanoTime() - heard.get() > DockerEngine.LOOK_AGAIN_MS * 1_000_000) {
          engine.ping();
        }
      }
    } catch (InterruptedException e) {
      log.trace("It has ended", e);
    } catch (PluginException e) {
      var _ = request.abort(e);
    }
  }

  /**
   * @param first how long its beginning is waited for
   * @throws TimeoutException when it didn't begin by then, or the request has a limit of its own
   */
  int read(Request request, Duration first, Runnable opened, Consumer<JsonNode> each)
      throws TimeoutException {
    InputStreamResponseListener listener = new InputStreamResponseListener();
    request.send(listener);
    try {
      int status = listener.get(first.toSeconds(), TimeUnit.SECONDS).getStatus();
      opened.run();
      try (BufferedReader lines =
          new BufferedReader(
              new InputStreamReader(listener.getInputStream(), StandardCharsets.UTF_8))) {
        String line;
        while ((line = lines.readLine()) != null) {
          if (!line.isBlank()) {
            each.accept(JSON.readTree(line));
          }
        }
      }
      return status;
    } catch (InterruptedIOException e) {
      throw interrupted(request, e);
    } catch (IOException | ExecutionException e) {
      throw broken(e);
    } catch (TimeoutException e) {
      var _ = request.abort(e);
      throw e;
    } catch (JacksonException e) {
      throw engine.noJson(e);
    } catch (InterruptedException e) {
      throw interrupted(request, e);
    }
  }

  private PluginException interrupted(Request request, Exception why) {
    Thread.currentThread().interrupt();
    var _ = request.abort(why);
    return engine.unavailable("interrupted while waiting for it", why);
  }

  /** Why a stream broke: we may have ended it ourselves, and know better than the connection. */
  private PluginException broken(Exception failure) throws TimeoutException {
    Throwable cause = failure;
    while (cause.getCause() != null) {
      cause =
          switch (cause.getCause()) {
            case PluginException known -> throw known;
            case TimeoutException limit -> throw limit;
            case Throwable next -> next;
          };
    }
    return cause instanceof EOFException
        ? engine.unavailable("the connection broke", failure)
        : engine.unavailable("the connection broke: " + cause.getMessage(), failure);
  }
}
