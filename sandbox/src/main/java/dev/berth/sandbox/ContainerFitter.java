package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes a container that waits a plugin's: sets its limits, names it, gives it its folders. */
final class ContainerFitter {
  private static final Logger log = LoggerFactory.getLogger(ContainerFitter.class);

  private final DockerEngine engine;
  private final Containers containers;
  private final ContainerNames names;
  private final ContainerFolders folders;

  ContainerFitter(DockerEngine engine, Containers containers, ContainerFolders folders) {
    this.engine = engine;
    this.containers = containers;
    this.names = new ContainerNames(engine, containers);
    this.folders = folders;
  }

  /**
   * Makes a container a plugin's; discards it when that fails.
   *
   * @return false when it had ended by itself
   */
  boolean give(DockerWorker worker, SandboxSpec spec, Allowance allowance) {
    try {
      fit(worker, spec, allowance);
      return true;
    } catch (PluginException e) {
      boolean ended = !worker.isAlive();
      containers.discard(worker);
      if (!ended) {
        throw e;
      }
      log.debug("docker: a container ended before it was a plugin's: {}", e.getMessage());
      return false;
    }
  }

  private void fit(DockerWorker worker, SandboxSpec spec, Allowance allowance) {
    // The engine takes a while for each; none needs the others. Of a container that has its limits
    // already nothing is asked: runsc, for one, can't change them.
    CompletableFuture<Void> limits =
        allowance.equals(worker.allowance())
            ? CompletableFuture.completedFuture(null)
            : async(() -> limit(worker, allowance));
    CompletableFuture<Void> named = async(() -> names.name(worker, spec));
    MountHelper helper;
    try {
      helper = folders.attach(worker, spec);
    } finally {
      join(limits);
      join(named);
    }
    if (helper != null) {
      helper.govern(worker.pid(), spec.plugin().value(), allowance.cpuShares());
    }
  }

  private void limit(DockerWorker worker, Allowance allowance) {
    worker.allowance(allowance);
    DockerEngine.Answer answer =
        engine.post(
            "/containers/" + worker.container() + "/update",
            Map.of(
                "Memory", allowance.memoryBytes(),
                "MemorySwap", allowance.memoryBytes(),
                "CpuShares", allowance.cpuShares()));
    if (!answer.ok()) {
      throw containers.refused(answer, "a container's limits could not be set: ");
    }
  }

  private static CompletableFuture<Void> async(Runnable work) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofVirtual()
        .name("berth-docker-fit")
        .start(() -> {
          try {
            work.run();
            done.complete(null);
          } catch (RuntimeException e) {
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  private static void join(CompletableFuture<Void> work) {
    try {
      work.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof PluginException known) {
        throw known;
      }
      throw e;
    }
  }
}
