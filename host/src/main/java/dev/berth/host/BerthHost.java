package dev.berth.host;

import dev.berth.api.AccessKeys;
import dev.berth.api.PluginException;
import dev.berth.api.PluginService;
import dev.berth.api.TenantId;
import dev.berth.channel.ChannelLoop;
import dev.berth.host.lifecycle.Lifecycle;
import dev.berth.host.store.Store;
import dev.berth.sandbox.Sandbox;
import java.nio.file.Path;
import java.util.function.Function;

/** The host: open it, use its service, close it. */
public final class BerthHost implements AutoCloseable {
  private final Lifecycle lifecycle;

  private BerthHost(Lifecycle lifecycle) {
    this.lifecycle = lifecycle;
  }

  /**
   * Opens a host on its data folder, which no other host may have open. What an earlier host left
   * half done is finished or undone before this returns; plugins that are to be enabled are then
   * started in the background, and calls to them wait.
   *
   * @param sandbox what workers run in; the caller closes it, after the host
   * @param loop what drives their sockets; the caller closes it, after the host
   * @throws PluginException {@code store_unavailable}, {@code store_corrupt}, {@code disk_full}
   */
  public static BerthHost open(HostSettings settings, Sandbox sandbox, ChannelLoop loop) {
    return new BerthHost(Lifecycle.open(settings, sandbox, loop));
  }

  /**
   * Works on the API keys of a data folder, whether or not a host has it open.
   *
   * @throws PluginException {@code store_unavailable}, {@code store_corrupt}
   */
  public static <T extends @org.jspecify.annotations.Nullable Object> T withKeys(
      Path dataDir, Function<AccessKeys, T> work) {
    return Store.withKeys(dataDir, work);
  }

  /** The plugins of a tenant; one that has none yet is as good as any. */
  public PluginService service(TenantId tenant) {
    return lifecycle.service(tenant);
  }

  /** The plugins of the default tenant. */
  public PluginService service() {
    return service(TenantId.DEFAULT);
  }

  /** The API keys that let a client in. */
  public AccessKeys keys() {
    return lifecycle.keys();
  }

  /**
   * The beginning of {@link #close}, for who has calls to see to before the rest: nothing more is
   * done to plugins, and an enable, update or change of settings that waits for a plugin's start
   * fails with {@code shutting_down}, having changed nothing. Calls go on. Idempotent.
   */
  public void drain() {
    lifecycle.drain();
  }

  /**
   * Stops every worker, each with its clean-up, within a bounded time. What the operator wants of
   * each plugin stays as it is: the next host starts the enabled ones again.
   */
  @Override
  public void close() {
    lifecycle.close();
  }
}
