package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * One run of the Python launcher, berth_runtime/launcher.py, which says what the lines mean that go
 * to and fro.
 */
final class Launcher {
  private static final Logger log = LoggerFactory.getLogger(Launcher.class);
  private static final JsonMapper json = JsonMapper.builder().build();
  private static final int READY_SECONDS = 30;
  private static final int LEAVE_SECONDS = 10;

  /** What it tells. Called by its reading thread, which must not be kept waiting. */
  interface Listener {
    /**
     * A sandbox is made for some later start, and connects when it has been told that it may.
     *
     * @param uid whom the host will see; null for its own user
     */
    void coming(Launcher launcher, int child, byte[] token, @Nullable Integer uid);

    /** A sandbox has ended, or never was, that no start has had. */
    void lost(int child);

    /**
     * @param child the sandbox that it has
     */
    void started(int id, int child, long pid, Map<String, Path> cgroups);

    /**
     * @param own whether that is of the plugin's making
     */
    void failed(int id, String step, String why, boolean own);

    /** The answer to {@code disk}. */
    void disk(int id, long bytes);

    void exited(int id, int status, int signal, boolean outOfMemory);

    /** It has ended; nothing more is told. */
    void gone(Launcher launcher);
  }

  /**
   * Its first word.
   *
   * @param firstUid the uid of slot 0; null when all workers have the host's own
   */
  record Ready(@Nullable Integer firstUid, Isolation isolation) {}

  private final Listener listener;
  private final CompletableFuture<Ready> ready = new CompletableFuture<>();
  private final CompletableFuture<Process> process = new CompletableFuture<>();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();

  private Launcher(Listener listener) {
    this.listener = listener;
  }

  /**
   * Starts it and waits until it is ready.
   *
   * @param program the launcher
   * @param settings its first line of input
   * @throws PluginException {@code sandbox_unavailable} with what it said
   */
  static Launcher launch(ProcessBuilder program, Map<String, Object> settings, Listener listener) {
    Launcher launcher = new Launcher(listener);
    // One thread starts it and then only reads, for its whole life: a launcher whose words nobody
    // takes would stop at some point, and the kernel counts the starting thread as the parent.
    Thread.ofPlatform()
        .daemon()
        .name("berth-launcher")
        .start(() -> {
          try {
            launcher.run(program, settings);
          } finally {
            launcher.ready.completeExceptionally(new IOException("it ended"));
            launcher.ended.complete(null);
            listener.gone(launcher);
          }
        });
    try {
      launcher.ready.get(READY_SECONDS, TimeUnit.SECONDS);
      return launcher;
    } catch (ExecutionException e) {
      throw unavailable(String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()), e);
    } catch (TimeoutException e) {
      launcher.destroy();
      throw unavailable("it was not ready within " + READY_SECONDS + " s", e);
    } catch (InterruptedException e) {
      launcher.destroy();
      Thread.currentThread().interrupt();
      throw unavailable("interrupted while waiting for it", e);
    }
  }

  private static PluginException unavailable(String why, Throwable cause) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE, "The process sandbox can't work here: " + why, cause);
  }

  Ready ready() {
    return ready.join();
  }

  boolean alive() {
    return !ended.isDone();
  }

  /** Process id of the launcher. */
  long pid() {
    return process.join().pid();
  }

  /** Gives an order. One that can't be given is no loss: the launcher is gone, and all with it. */
  void send(Map<String, @Nullable Object> order) {
    byte[] line = json.writeValueAsBytes(order);
    OutputStream in = process.join().getOutputStream();
    synchronized (this) {
      try {
        in.write(line);
        in.write('\n');
        in.flush();
      } catch (IOException e) {
        log.debug("The launcher took no order: {}", e.toString());
      }
    }
  }

  /** Asks it to end everything and leave; returns when it has. */
  void close() {
    Process running = process.join();
    try {
      synchronized (this) {
        running.getOutputStream().close();
      }
    } catch (IOException e) {
      log.debug("The launcher's input did not close cleanly", e);
    }
    try {
      if (!running.waitFor(LEAVE_SECONDS, TimeUnit.SECONDS)) {
        log.error("The launcher did not end in {} s and is killed", LEAVE_SECONDS);
        running.destroyForcibly();
      }
    } catch (InterruptedException e) {
      running.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    ended.join();
  }

  private void destroy() {
    Process running = process.getNow(null);
    if (running != null) {
      running.destroyForcibly();
    }
  }

  private void run(ProcessBuilder program, Map<String, Object> settings) {
    Process started;
    try {
      started = program.start();
    } catch (IOException e) {
      process.completeExceptionally(e);
      ready.completeExceptionally(e);
      return;
    }
    process.complete(started);
    HostPython.log(started, "launcher");
    send(new java.util.LinkedHashMap<>(settings));
    try (BufferedReader out =
        new BufferedReader(
            new InputStreamReader(started.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      while ((line = out.readLine()) != null) {
        handle(json.readTree(line));
      }
    } catch (IOException e) {
      log.debug("The launcher's output ended: {}", e.toString());
    } finally {
      started.destroyForcibly();
    }
    boolean dead = false;
    while (!dead) {
      try {
        started.waitFor();
        dead = true;
      } catch (InterruptedException e) {
        log.debug("Nobody should interrupt this thread", e);
      }
    }
  }

  private void handle(JsonNode event) {
    String name = event.path("event").asString();
    int id = event.path("id").asInt(0);
    int child = event.path("child").asInt(0);
    switch (name) {
      case "ready" -> ready.complete(ready(event));
      case "unavailable" ->
          ready.completeExceptionally(new IOException(event.path("why").asString()));
      case "coming" -> {
        byte[] token = HexFormat.of().parseHex(event.path("token").asString());
        JsonNode uid = event.path("uid");
        listener.coming(this, child, token, uid.isNull() ? null : uid.asInt());
      }
      case "lost" -> listener.lost(child);
      case "started" -> {
        Map<String, Path> cgroups = new java.util.HashMap<>();
        event
            .path("cgroups")
            .properties()
            .forEach(e -> cgroups.put(e.getKey(), Path.of(e.getValue().asString())));
        listener.started(id, child, event.path("pid").asLong(), cgroups);
      }
      case "disk" -> listener.disk(id, event.path("bytes").asLong());
      case "failed" ->
          listener.failed(
              id,
              event.path("step").asString(),
              event.path("why").asString(),
              event.path("own").asBoolean(false));
      case "exit" ->
          listener.exited(
              id,
              event.path("status").asInt(),
              event.path("signal").asInt(),
              event.path("oom").asBoolean());
      default -> log.warn("The launcher said something unknown: {}", name);
    }
  }

  private static Ready ready(JsonNode event) {
    JsonNode uid = event.path("first_uid");
    return new Ready(uid.isNumber() ? uid.asInt() : null, isolation("process", event));
  }

  /** What {@code enforced}, {@code missing} and {@code findings} of {@code said} say. */
  static Isolation isolation(String kind, JsonNode said) {
    List<String> enforced = new ArrayList<>();
    said.path("enforced").forEach(word -> enforced.add(word.asString()));
    List<Isolation.Missing> missing = new ArrayList<>();
    said.path("missing")
        .forEach(row ->
            missing.add(
                new Isolation.Missing(
                    row.path(0).asString(), row.path(1).asString(), row.path(2).asString())));
    List<Isolation.Finding> findings =
        said.path("findings").valueStream().map(Doctor::finding).toList();
    return new Isolation(kind, enforced, missing, findings);
  }
}
