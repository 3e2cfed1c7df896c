package dev.berth.sandbox;

import dev.berth.api.Isolation;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** A way to run workers apart from the host. Safe for use by many threads. */
public interface Sandbox extends AutoCloseable {
  /** What this sandbox enforces here and what it can't. */
  Isolation isolation();

  /**
   * Starts a worker and waits until it has connected and shown its token; no code of the plugin has
   * run by then.
   *
   * @param underWay called once, unless it fails before, when all that is left is to wait: what the
   *     caller does besides then takes no time from the start. Must neither wait nor throw
   * @throws dev.berth.api.PluginException {@code sandbox_unavailable} or {@code
   *     plugin_start_failed}, with what the launcher said; no process is left then
   */
  SandboxProcess start(SandboxSpec spec, Runnable underWay);

  /** The same, for a caller that does nothing besides. */
  default SandboxProcess start(SandboxSpec spec) {
    return start(spec, () -> {});
  }

  /**
   * Whether {@link #python} answers soon, as no image has to be fetched or built for it.
   *
   * @param image the container image the plugin wants; empty for the sandbox's own choice
   * @param packageDir its package
   * @throws dev.berth.api.PluginException {@code sandbox_unavailable}
   */
  default boolean hasImage(String image, Path packageDir) {
    return true;
  }

  /**
   * The interpreter that a plugin's worker runs on, where it is another than the host's; else null.
   * Blocks; may take minutes when its image has to be fetched or built, which goes on for others
   * who wait for it when this thread is interrupted.
   *
   * @param image the container image the plugin wants; empty for the sandbox's own choice
   * @param packageDir its package
   * @param progress told now and then how far that is, one line; from any thread
   * @throws dev.berth.api.PluginException {@code image_not_allowed} when it may not have that
   *     image, {@code sandbox_unavailable} when there is no such image or no Python in it, {@code
   *     plugin_start_failed} when it can't be built, {@code cancelled} when it was interrupted
   */
  default @Nullable PythonInterpreter python(
      String image, Path packageDir, Consumer<String> progress) {
    return null;
  }

  /**
   * Deletes what this sandbox has made for other packages than these and keeps outside the data
   * folder.
   *
   * @param packageDirs the packages there are; none is being added or removed meanwhile
   * @throws dev.berth.api.PluginException {@code sandbox_unavailable} when some of it is left
   */
  default void keepOnly(Set<Path> packageDirs) {}

  /** What no worker gets more of. */
  default Ceilings ceilings() {
    return Ceilings.DEFAULT;
  }

  /** Ends every worker and the launcher; returns when no process of it is left. */
  @Override
  void close();
}
