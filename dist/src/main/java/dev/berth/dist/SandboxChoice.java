package dev.berth.dist;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.Sandbox;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Which sandbox is used where the operator leaves it to us. */
final class SandboxChoice {
  private static final Logger LOG = LoggerFactory.getLogger(SandboxChoice.class);

  private SandboxChoice() {}

  /**
   * Processes where they can be kept apart: that is as strong as a container, and a good deal
   * faster. Containers where they can't, if an engine is there with everything.
   *
   * @param dockerReady asked only then
   * @throws PluginException what processes failed with, where there are no containers either
   */
  static Sandbox auto(
      Supplier<Sandbox> process, BooleanSupplier dockerReady, Supplier<Sandbox> docker) {
    try {
      return process.get();
    } catch (PluginException e) {
      if (e.code() != ErrorCode.SANDBOX_UNAVAILABLE || !dockerReady.getAsBoolean()) {
        throw e;
      }
      LOG.warn("plugins run in containers, for: {}", e.getMessage());
      return docker.get();
    }
  }
}
