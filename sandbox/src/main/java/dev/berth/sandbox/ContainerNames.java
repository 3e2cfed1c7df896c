package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Names containers after their plugins, so that an operator finds them with the engine's tools. */
final class ContainerNames {
  private static final Logger log = LoggerFactory.getLogger(ContainerNames.class);
  private static final int HOLDER_SECONDS = 3;

  private final DockerEngine engine;
  private final Containers containers;

  ContainerNames(DockerEngine engine, Containers containers) {
    this.engine = engine;
    this.containers = containers;
  }

  /** The old worker of an update may have the name still; then the generation tells them apart. */
  void name(DockerWorker worker, SandboxSpec spec) {
    String name = spec.plugin().value();
    DockerEngine.Answer answer = rename(worker, name);
    if (answer.status() == 409) {
      DockerWorker holder = containers.named(name);
      if (holder != null && holder.exited().isDone()) {
        holder.removed().completeOnTimeout(null, HOLDER_SECONDS, TimeUnit.SECONDS).join();
        answer = rename(worker, name);
      } else if (holder != null) {
        var _ = holder.removed().thenRunAsync(() -> renameLater(worker, name));
      }
    }
    if (answer.status() == 409) {
      answer = rename(worker, name + "_" + spec.generation());
    }
    if (!answer.ok()) {
      throw containers.refused(answer, "a container could not be named: ");
    }
  }

  private DockerEngine.Answer rename(DockerWorker worker, String name) {
    DockerEngine.Answer answer =
        engine.post("/containers/" + worker.container() + "/rename?name=" + name, null);
    if (answer.ok()) {
      worker.name(name);
    }
    return answer;
  }

  private void renameLater(DockerWorker worker, String name) {
    try {
      if (!worker.exited().isDone()) {
        var _ = rename(worker, name);
      }
    } catch (PluginException e) {
      log.debug("docker: {} keeps its name: {}", worker.name(), e.getMessage());
    }
  }
}
