package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.util.List;
import java.util.Map;
import org.eclipse.jetty.http.HttpMethod;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Hears from the engine how containers ended. When the engine was away, what ended meanwhile is
 * found by asking for each.
 */
final class ContainerEvents implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ContainerEvents.class);
  private static final int SIGKILL = 137;
  private static final long FIRST_PAUSE_MS = 50;
  private static final long LONGEST_PAUSE_MS = 1000;

  private final DockerEngine engine;
  private final String boot;
  private final Map<String, DockerWorker> workers;
  private volatile Runnable caughtUp = () -> {};
  private volatile boolean closed;

  /**
   * @param boot the label of this host's containers
   * @param workers those there are, by the engine's ids; only read here
   */
  ContainerEvents(DockerEngine engine, String boot, Map<String, DockerWorker> workers) {
    this.engine = engine;
    this.boot = boot;
    this.workers = workers;
  }

  /**
   * Begins to listen, until this is closed.
   *
   * @param nowCaughtUp called each time the engine answers after it did not, once all is known that
   *     ended meanwhile
   */
  void follow(Runnable nowCaughtUp) {
    caughtUp = nowCaughtUp;
    Thread.ofPlatform().daemon().name("berth-docker-events").start(this::listen);
  }

  private void listen() {
    String filter =
        DockerEngine.encoded(
            "{\"type\":[\"container\"],\"event\":[\"die\",\"oom\",\"destroy\"],\"label\":[\""
                + Containers.LABEL
                + ".boot="
                + boot
                + "\"]}");
    long pause = FIRST_PAUSE_MS;
    boolean wasAway = false;
    while (!closed) {
      try {
        if (wasAway) {
          engine.agree();
        }
        wasAway = true;
        var _ =
            engine.stream(
                HttpMethod.GET,
                "/events?filters=" + filter,
                () -> Thread.ofVirtual().name("berth-docker-stock").start(this::takeStock),
                this::heard);
        pause = FIRST_PAUSE_MS;
      } catch (RuntimeException e) {
        if (!closed) {
          log.debug("docker: events are interrupted: {}", e.toString());
        }
      }
      try {
        Thread.sleep(pause); // there is nothing to wait for but the engine's return
      } catch (InterruptedException e) {
        return;
      }
      pause = Math.min(LONGEST_PAUSE_MS, pause * 2);
    }
  }

  private void heard(JsonNode event) {
    DockerWorker worker =
        workers.get(event.path("Actor").path("ID").asString(event.path("id").asString("")));
    if (worker == null) {
      return;
    }
    switch (event.path("Action").asString(event.path("status").asString(""))) {
      case "oom" -> worker.metMemoryLimit();
      case "die" ->
          worker.ended(event.path("Actor").path("Attributes").path("exitCode").asInt(SIGKILL));
      case "destroy" -> worker.ended(SIGKILL);
      default -> log.debug("docker: {}", event);
    }
  }

  /** What ended while nobody listened. */
  private void takeStock() {
    for (DockerWorker worker : List.copyOf(workers.values())) {
      try {
        DockerEngine.Answer answer = engine.get("/containers/" + worker.container() + "/json");
        JsonNode state = answer.body().path("State");
        String status = state.path("Status").asString("");
        if (answer.status() == 404) {
          worker.ended(SIGKILL);
        } else if (status.equals("exited") || status.equals("dead")) {
          worker.ended(state.path("ExitCode").asInt(SIGKILL));
        }
      } catch (PluginException e) {
        return; // gone again; the next connection takes stock anew
      }
    }
    caughtUp.run();
  }

  /** Listens no more; the connection ends with the engine's. */
  @Override
  public void close() {
    closed = true;
  }
}
