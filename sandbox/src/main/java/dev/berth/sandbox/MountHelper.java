package dev.berth.sandbox;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One run of berth_runtime/attach.py, which says what the lines mean that go to and fro. The images
 * it has mounted are known to it alone: whoever has one gives it back to the same run.
 */
final class MountHelper implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(MountHelper.class);
  private static final JsonMapper json = JsonMapper.builder().build();
  private static final int SECONDS = 10;

  private final Process process;
  private final AtomicInteger lastId = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final CompletableFuture<JsonNode> ready = new CompletableFuture<>();

  private MountHelper(Process process) {
    this.process = process;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @throws IOException why it can't do its work on this host
   */
  static MountHelper launch(ProcessBuilder program) throws IOException {
    var helper = new MountHelper(program.start());
    HostPython.log(helper.process, "mount-helper");
    Thread.ofPlatform().daemon().name("berth-attach").start(helper::listen);
    String problem;
    try {
      problem = helper.ready.get(SECONDS, TimeUnit.SECONDS).path("problem").asString("");
    } catch (ExecutionException | TimeoutException e) {
      problem = "the helper was not ready within " + SECONDS + " s";
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = "interrupted while waiting for the helper";
    }
    if (!problem.isEmpty()) {
      helper.close();
      throw new IOException(problem);
    }
    return helper;
  }

  /** Why folders have no size limit here; empty when they have. */
  String noVolumes() {
    return ready.join().path("no_volumes").asString("");
  }

  /** Why nothing bounds how fast images are written; empty when something does. */
  String noRates() {
    return ready.join().path("no_rates").asString("");
  }

  /** Why folders that plugins only read are shown as they are; empty when they are not. */
  String noViews() {
    return ready.join().path("no_views").asString("");
  }

  boolean alive() {
    return process.isAlive();
  }

  long pid() {
    return process.pid();
  }

  /**
   * Gives an order and waits for the answer.
   *
   * @throws IOException when there is none: then it is of no more use, and has been ended
   */
  JsonNode ask(Map<String, Object> question) throws IOException {
    int id = lastId.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    try {
      if (!alive()) {
        throw new IOException("the helper ended");
      }
      Map<String, Object> order = new LinkedHashMap<>(question);
      order.put("id", id);
      send(order);
      return answer.get(SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      process.destroyForcibly(); // it would keep all others waiting, too
      throw new IOException("the helper gave no answer within " + SECONDS + " s", e);
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      waiting.remove(id);
    }
  }

  /** A container that had this image has ended. */
  void release(Path image) {
    try {
      var _ = ask(Map.of("release", image.toString()));
    } catch (IOException e) {
      log.debug("{} went with its helper: {}", image, e.getMessage());
    }
  }

  /** What is mounted in this folder for the engine has been seen; the folder goes, too. */
  void unplace(Path place) {
    try {
      var _ = ask(Map.of("unplace", place.toString()));
    } catch (IOException e) {
      log.warn("{} stays mounted until the next start: {}", place, e.getMessage());
    }
  }

  /**
   * Watches how a container uses the CPU from now on, so that the others don't feel it.
   *
   * @param pid its first process, into which this has put folders
   * @param plugin by which the next container of the plugin is known, too
   * @param shares the weight it has
   */
  void govern(long pid, String plugin, int shares) {
    try {
      var _ = ask(Map.of("govern", pid, "name", plugin, "shares", shares));
    } catch (IOException e) {
      log.debug("The container of {} is not watched: {}", plugin, e.getMessage());
    }
  }

  /** How much of an image is in use, in bytes; 0 where that isn't known. */
  long used(Path image) {
    try {
      return ask(Map.of("used", image.toString())).path("bytes").asLong();
    } catch (IOException e) {
      return 0;
    }
  }

  private synchronized void send(Map<String, Object> order) throws IOException {
    OutputStream in = process.getOutputStream();
    in.write(json.writeValueAsBytes(order));
    in.write('\n');
    in.flush();
  }

  private void listen() {
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = out.readLine()) != null) {
        JsonNode event = json.readTree(line);
        CompletableFuture<JsonNode> answer =
            event.has("id") ? waiting.get(event.path("id").asInt()) : ready;
        if (answer != null) {
          answer.complete(event);
        }
      }
    } catch (IOException e) {
      log.debug("The helper's output ended: {}", e.toString());
    }
    JsonNode ended = json.createObjectNode().put("problem", "the helper ended");
    ready.complete(ended);
    waiting.values().forEach(answer -> answer.complete(ended));
  }

  @Override
  public void close() {
    try {
      process.getOutputStream().close();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (IOException e) {
      process.destroyForcibly();
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
