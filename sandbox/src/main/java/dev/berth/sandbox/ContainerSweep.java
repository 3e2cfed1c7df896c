package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Removes this host's containers that nobody has: those that the engine could not be told to remove
 * when they ended, and those that it made after nobody waited for them any more.
 */
final class ContainerSweep implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ContainerSweep.class);
  private static final long PAUSE_MS = 1000;

  private final DockerEngine engine;
  private final String boot;
  private final Map<String, DockerWorker> workers;
  private final Set<String> spared = ConcurrentHashMap.newKeySet();
  private boolean sweeping; // guarded by this
  private volatile boolean closed;

  /**
   * @param boot the label of this host's containers
   * @param workers those that somebody has, by the engine's ids; only read here
   */
  ContainerSweep(DockerEngine engine, String boot, Map<String, DockerWorker> workers) {
    this.engine = engine;
    this.boot = boot;
    this.workers = workers;
  }

  /** A container of this name is being made: it is not among the workers yet, but waited for. */
  void spare(String name) {
    spared.add("/" + name);
  }

  void spareNoLonger(String name) {
    spared.remove("/" + name);
  }

  /** Removes what nobody has, as soon as the engine answers. */
  void soon() {
    synchronized (this) {
      if (sweeping || closed) {
        return;
      }
      sweeping = true;
    }
    Thread.ofVirtual().name("berth-docker-sweep").start(this::sweep);
  }

  private void sweep() {
    boolean more = true;
    while (more && !closed) {
      try {
        Thread.sleep(PAUSE_MS); // long enough for what the engine has begun to be seen
        more = sweepOnce();
      } catch (InterruptedException e) {
        more = false; // whoever calls next begins anew
      } catch (PluginException e) {
        log.debug("docker: removing what is left has to wait: {}", e.getMessage());
      } finally {
        synchronized (this) {
          sweeping = more && !closed;
        }
      }
    }
  }

  /** Whether something is still to be removed. */
  private boolean sweepOnce() {
    boolean left = false;
    for (JsonNode row : list("boot", boot)) {
      String id = row.path("Id").asString();
      DockerWorker worker = workers.get(id);
      if (worker != null && worker.exited().isDone()) {
        worker.tellRemoved(engine.remove(id));
        left |= !worker.removed().isDone();
      } else if (worker == null
          && row.path("Names").valueStream().noneMatch(n -> spared.contains(n.asString()))) {
        log.info("docker: removing {}, which nobody has", row.path("Names").path(0).asString(id));
        left |= !engine.remove(id).ok();
      }
    }
    return left;
  }

  /** The containers that have a label of Berth's with a value. */
  JsonNode list(String label, String value) {
    String filter = "{\"label\":[\"" + Containers.LABEL + "." + label + "=" + value + "\"]}";
    return engine.get("/containers/json?all=1&filters=" + DockerEngine.encoded(filter)).body();
  }

  /** Begins nothing more. */
  @Override
  public void close() {
    closed = true;
  }
}
