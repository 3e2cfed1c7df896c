package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.nio.file.Path;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The runtime of an engine's that containers are made with.
 *
 * <p>gVisor's (runsc) gives each container a kernel of its own. Files and sockets of the host's are
 * opened for it by a process of its own, so that a worker in it connects under another uid than
 * its, and what is mounted into a container that runs is not seen there.
 *
 * @param name as the engine knows it; empty for its default
 * @param isolating whether it is gVisor's
 * @param unused why the gVisor that the engine has is not used; empty when it is, or isn't there
 */
record EngineRuntime(String name, boolean isolating, String unused) {
  static final EngineRuntime DEFAULT = new EngineRuntime("", false, "");
  private static final Logger log = LoggerFactory.getLogger(EngineRuntime.class);
  private static final String GVISOR = "runsc";

  /**
   * Chooses one.
   *
   * @param wanted by its name; empty for gVisor's where the engine has it and it can be used, which
   *     is tried: it may be set up to refuse sockets of the host's
   * @param info the engine's answer to GET /info
   * @param trial makes a container with a runtime and removes it; throws when no worker comes up
   * @throws PluginException {@code sandbox_unavailable}, where the one that is wanted isn't there,
   *     or gVisor's is wanted, or is the default, and can't be used
   */
  static EngineRuntime choose(String wanted, JsonNode info, Consumer<EngineRuntime> trial) {
    JsonNode has = info.path("Runtimes");
    if (!wanted.isEmpty() && !has.has(wanted)) {
      throw Containers.unavailable(
          "the engine has no runtime "
              + wanted
              + ", only "
              + String.join(", ", has.propertyNames())
              + ". Name one of these with --docker-runtime, or none",
          null);
    }
    String usual = info.path("DefaultRuntime").asString("");
    String name = !wanted.isEmpty() ? wanted : has.has(GVISOR) ? GVISOR : usual;
    if (!isGvisor(name, has)) {
      return new EngineRuntime(wanted, false, "");
    }
    var found = new EngineRuntime(name, true, "");
    try {
      trial.accept(found);
      return found;
    } catch (PluginException e) {
      String why = String.valueOf(e.getMessage());
      if (!wanted.isEmpty() || isGvisor(usual, has)) {
        throw Containers.unavailable(
            "no worker comes up below its runtime "
                + name
                + ". Let containers connect to the host's sockets (runsc --host-uds=open), or serve"
                + " with --docker-runtime runc. It said: "
                + why,
            e);
      }
      log.warn("docker: {} is not used: {}", name, why);
      return new EngineRuntime("", false, why);
    }
  }

  /** By its name or its program's, which need not be the same. */
  private static boolean isGvisor(String name, JsonNode runtimes) {
    String path = runtimes.path(name).path("path").asString("");
    Path program = Path.of(path.isEmpty() ? "/" + name : path).getFileName();
    return program != null && program.toString().startsWith(GVISOR);
  }
}
