package dev.berth.sandbox;

import dev.berth.api.Isolation;
import org.jspecify.annotations.Nullable;

/** A way to run workers apart from the host. Safe for use by many threads. */
public interface Sandbox extends AutoCloseable {
  /** What this sandbox enforces here and what it can't. */
  Isolation isolation();

  /**
   * Starts a worker and waits until it has connected and shown its token; no code of the plugin has
   * run by then.
   *
   * @throws dev.berth.api.PluginException {@code sandbox_unavailable} or {@code
   *     plugin_start_failed}, with what the launcher said; no process is left then
   */
  SandboxProcess start(SandboxSpec spec);

  /** The interpreter workers run on, where it is another than the host's; else null. */
  default @Nullable PythonInterpreter python() {
    return null;
  }

  /** Ends every worker and the launcher; returns when no process of it is left. */
  @Override
  void close();
}
