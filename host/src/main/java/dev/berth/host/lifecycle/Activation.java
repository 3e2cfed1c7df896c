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
  Supervisor enable(Supervisor plugin) {
    return plugin.exclusively(
        "enabled",
        attempt -> {
          PluginRow row = plugin.row();
          boolean wasEnabled = row.state() instanceof PluginState.Enabled;
          Worker running = plugin.running();
          if (wasEnabled && running != null && !running.isClosed()) {
            return plugin;
          }
          PluginRow enabled = Rows.with(row, new PluginState.Enabled(), rooms.clock().instant());
          LaunchPlan plan = rooms.engine().plans().plan(enabled, attempt);
          if (wasEnabled) {
            begin(plugin, plugin.launch(plan, attempt));
          } else {
            beginAndRecord(plugin, plan, row, attempt);
          }
          return plugin;
        });
  }

  private void beginAndRecord(
      Supervisor plugin, LaunchPlan plan, PluginRow before, Launcher.Attempt attempt) {
    var recording =
        new Recording(() -> record(plan.row()), () -> record(before), rooms.engine().background());
    try {
      Worker worker = plugin.launch(plan, attempt, recording::begin);
      endRecording(recording, worker);
      begin(plugin, worker);
    } catch (RuntimeException e) {
      recording.putBack(e, before);
      throw e;
    }
    rooms.copy().changed();
    plugin.log().fromHost("INFO", "enabled");
  }

  private static void endRecording(Recording recording, Worker worker) {
    try {
      recording.end();
    } catch (PluginException e) {
      worker.kill(e);
      throw e;
    }
  }

  private void begin(Supervisor plugin, Worker worker) {
    plugin.freshStart();
    handOver(plugin, worker);
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
  Supervisor disable(Supervisor plugin) {
    return plugin.overruling(
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
