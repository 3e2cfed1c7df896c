package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Puts a plugin's folders into a container that is running already: a helper process,
 * berth_runtime/attach.py, which says what the lines mean that go to and fro. Needs root.
 */
final class Attacher implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Attacher.class);
  private static final JsonMapper json = JsonMapper.builder().build();
  private static final int SECONDS = 10;

  /**
   * One mount.
   *
   * @param access a key of mounts.ACCESS in the runtime
   * @param owner the uid that the files have outside and that the container's user is to have them
   *     under; null for no such exchange. The folder is made when it is missing then
   * @param bytes what an image holds; 0 when the source is a folder or a socket
   */
  record Mount(Path source, String target, String access, @Nullable Integer owner, long bytes) {
    Mount(Path source, String target, String access) {
      this(source, target, access, null, 0);
    }
  }

  private final Process process;
  private final AtomicInteger lastId = new AtomicInteger();
  private final Map<Integer, CompletableFuture<JsonNode>> waiting = new ConcurrentHashMap<>();
  private final CompletableFuture<String> ready = new CompletableFuture<>();

  private volatile String noVolumes = "";

  private Attacher(Process process) {
    this.process = process;
  }

  /**
   * Starts the helper.
   *
   * @param runtime the folder of the Python files
   * @param volumes an empty folder to mount images in
   * @param probe an image to try that with; null for none
   * @return null when this host can't do it; then {@code why} has been told
   */
  static @Nullable Attacher start(
      Path python,
      Path runtime,
      Path volumes,
      @Nullable Path probe,
      java.util.function.Consumer<String> why) {
    ProcessBuilder builder =
        new ProcessBuilder(
                python.toString(),
                "-I",
                "-S",
                "-X",
                "utf8",
                "-c",
                START,
                runtime.toString(),
                volumes.toString(),
                probe == null ? "" : probe.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    builder.environment().clear();
    Attacher attacher;
    try {
      attacher = new Attacher(builder.start());
    } catch (IOException e) {
      why.accept(String.valueOf(e.getMessage()));
      return null;
    }
    Thread.ofPlatform().daemon().name("berth-attach").start(attacher::listen);
    String problem;
    try {
      problem = attacher.ready.get(SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      problem = "the helper did not start: " + e.getMessage();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      problem = "interrupted";
    }
    if (problem.isEmpty()) {
      return attacher;
    }
    attacher.close();
    why.accept(problem);
    return null;
  }

  private static final String START =
      "import sys; sys.path.insert(1, sys.argv[1]); from berth_runtime import attach;"
          + " attach.main()";

  /**
   * Mounts folders in a container.
   *
   * @param pid a process of it
   * @param user the uid its processes have
   * @throws PluginException {@code plugin_start_failed} with what the kernel said
   */
  void attach(long pid, int user, List<Mount> mounts) {
    List<Map<String, @Nullable Object>> rows =
        mounts.stream()
            .map(mount -> {
              Map<String, @Nullable Object> row = new LinkedHashMap<>();
              row.put("source", mount.source().toString());
              row.put("target", mount.target());
              row.put("access", mount.access());
              row.put("owner", mount.owner());
              row.put("bytes", mount.bytes());
              return row;
            })
            .toList();
    var _ = ask(Map.of("pid", pid, "user", user, "mounts", rows));
  }

  /** A container that had this image has ended. */
  void release(Path image) {
    try {
      var _ = ask(Map.of("release", image.toString()));
    } catch (PluginException e) {
      log.debug("{} stays mounted: {}", image, e.getMessage());
    }
  }

  /** How much of an image is in use, in bytes; 0 where that isn't known. */
  long used(Path image) {
    try {
      return ask(Map.of("used", image.toString())).path("bytes").asLong();
    } catch (PluginException e) {
      return 0;
    }
  }

  private JsonNode ask(Map<String, Object> question) {
    int id = lastId.incrementAndGet();
    CompletableFuture<JsonNode> answer = new CompletableFuture<>();
    waiting.put(id, answer);
    try {
      Map<String, Object> order = new LinkedHashMap<>(question);
      order.put("id", id);
      send(order);
      JsonNode given = answer.get(SECONDS, TimeUnit.SECONDS);
      String problem = given.path("problem").asString("");
      if (!problem.isEmpty()) {
        throw failed(problem, null);
      }
      return given;
    } catch (IOException | ExecutionException | TimeoutException e) {
      throw failed(String.valueOf(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed("interrupted", e);
    } finally {
      waiting.remove(id);
    }
  }

  private static PluginException failed(String why, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.PLUGIN_START_FAILED,
        "The plugin's folders could not be put into its container: " + why,
        cause);
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
        String problem = event.path("problem").asString("");
        if (event.has("id")) {
          CompletableFuture<JsonNode> answer = waiting.get(event.path("id").asInt());
          if (answer != null) {
            answer.complete(event);
          }
        } else {
          noVolumes = event.path("no_volumes").asString("");
          ready.complete(problem);
        }
      }
    } catch (IOException e) {
      log.debug("The helper's output ended: {}", e.toString());
    }
    ready.complete("it ended");
    JsonNode ended = json.createObjectNode().put("problem", "the helper ended");
    waiting.values().forEach(answer -> answer.complete(ended));
  }

  /** Why folders have no size limit here; empty when they have. */
  String noVolumes() {
    return noVolumes;
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
