package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;

/**
 * Workers as processes of this machine, isolated by the kernel alone. One launcher, the zygote, is
 * a Python process that forks each worker and never runs a plugin's code.
 */
public final class ProcessSandbox implements Sandbox {
  private ProcessSandbox() {}

  /**
   * Starts the launcher and finds out what this host can enforce. Control groups a dead host left
   * behind are removed.
   *
   * @throws PluginException {@code sandbox_unavailable} when this is not Linux, there is no Python
   *     of version 3.9 or later, or the launcher doesn't start
   */
  public static ProcessSandbox open(ProcessSandboxSettings settings) {
    if (settings.parked() >= 0) {
      throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "The process sandbox is not built yet.");
    }
    return new ProcessSandbox();
  }

  @Override
  public Isolation isolation() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "The process sandbox is not built yet.");
  }

  @Override
  public SandboxProcess start(SandboxSpec spec) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "The process sandbox is not built yet.");
  }

  @Override
  public void close() {}
}
