package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.host.store.PluginRow;

/** Enables and disables. */
final class Activation {
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
          Worker worker =
              wasEnabled
                  ? plugin.launch(plan, new Launcher.Attempt())
                  : launchAndRecord(plugin, plan, row);
          plugin.freshStart();
          handOver(plugin, worker);
          return plugin;
        });
  }

  private Worker launchAndRecord(Supervisor plugin, LaunchPlan plan, PluginRow before) {
    var recording =
        new Recording(() -> record(plan.row()), () -> record(before), rooms.engine().background());
    Worker worker;
    try {
      worker = plugin.launch(plan, new Launcher.Attempt(recording::begin));
    } catch (RuntimeException e) {
      recording.putBack(e, before);
      throw e;
    }
    try {
      recording.end();
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
