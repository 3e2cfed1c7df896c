package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.host.store.PluginRow;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Enables and disables. */
final class Activation {
  private static final Logger LOG = LoggerFactory.getLogger(Activation.class);

  private final Rooms rooms;

  Activation(Rooms rooms) {
    this.rooms = rooms;
  }

  /**
   * The registry is written while the worker starts, and put back where that fails: an enable that
   * fails has changed nothing, and a host that dies meanwhile has done it or not.
   */
  void enable(Supervisor plugin) {
    plugin.exclusively(
        "enabled",
        () -> {
          PluginRow row = plugin.row();
          boolean wasEnabled = row.state() instanceof PluginState.Enabled;
          Worker running = plugin.running();
          if (wasEnabled && running != null && !running.isClosed()) {
            return plugin;
          }
          PluginRow enabled = Rows.with(row, new PluginState.Enabled(), rooms.clock().instant());
          LaunchPlan plan = rooms.engine().plans().plan(enabled);
          Worker worker = wasEnabled ? launch(plugin, plan) : launchAndRecord(plugin, plan, row);
          plugin.freshStart();
          handOver(plugin, worker);
          return plugin;
        });
  }

  private static Worker launch(Supervisor plugin, LaunchPlan plan) {
    return plugin.launch(plan, new Launcher.Attempt());
  }

  private Worker launchAndRecord(Supervisor plugin, LaunchPlan plan, PluginRow before) {
    CompletableFuture<Void> recorded =
        CompletableFuture.runAsync(() -> record(plan.row()), rooms.engine().background());
    Worker worker;
    try {
      worker = launch(plugin, plan);
    } catch (RuntimeException e) {
      putBack(recorded, before, e);
      throw e;
    }
    try {
      Await.whole(recorded);
    } catch (PluginException e) {
      worker.kill(e);
      throw e;
    }
    rooms.copy().changed();
    plugin.log().fromHost("INFO", "enabled");
    return worker;
  }

  private void record(PluginRow row) {
    rooms.store().registry().setState(row.tenant(), row.id(), row.state(), row.updatedAt());
  }

  private void putBack(
      CompletableFuture<Void> recorded, PluginRow before, RuntimeException because) {
    try {
      Await.whole(recorded);
    } catch (PluginException e) {
      because.addSuppressed(e);
      return; // It was never written.
    }
    try {
      record(before);
    } catch (PluginException e) {
      LOG.error(
          "{} did not start, and the registry says that it is enabled, as it can't be written: {}."
              + " Mend that, then `berth disable {}`",
          LaunchPlan.label(before),
          e.getMessage(),
          before.id());
      because.addSuppressed(e);
    }
  }

  /** Gives the calls to {@code worker} and stops the one that had them. */
  void handOver(Supervisor plugin, Worker worker) {
    Worker before = plugin.takeOver(worker);
    if (before != null) {
      stop(plugin, before, "replaced");
    }
  }

  /** The registry first: from then on the plugin stays down, whatever happens to this host. */
  void disable(Supervisor plugin) {
    plugin.exclusively(
        "disabled",
        () -> {
          PluginRow row = plugin.row();
          switch (row.state()) {
            case PluginState.Disabled _, PluginState.Installed _ -> {}
            case PluginState.Enabled _, PluginState.Failed _ -> {
              PluginRow disabled =
                  Rows.with(row, new PluginState.Disabled(), rooms.clock().instant());
              record(disabled);
              rooms.copy().changed();
              Worker worker = plugin.withdraw(disabled, null);
              if (worker != null) {
                stop(plugin, worker, "disabled");
              }
              plugin.stopped();
              plugin.log().fromHost("INFO", "disabled");
            }
          }
          return plugin;
        });
  }

  /** Ends a worker in order. */
  void stop(Supervisor plugin, Worker worker, String because) {
    Timings timings = rooms.engine().timings();
    worker.stop(timings.drain(), timings.shutdown(), cut(plugin, because));
  }

  static PluginException cut(Supervisor plugin, String because) {
    return new PluginException(
        dev.berth.api.ErrorCode.CANCELLED,
        plugin.label() + " was " + because + " while this call was running, and it took too long.");
  }
}
