package dev.berth.host.lifecycle;

import dev.berth.api.PluginState;
import dev.berth.host.store.PluginRow;
import java.util.concurrent.Executor;

/** What all supervisors share. */
record Engine(
    Plans plans,
    Launcher launcher,
    Keeper keeper,
    Timings timings,
    Timer timer,
    Pulse pulse,
    Executor background,
    Starts starts,
    Pace pace) {
  /** Says what a plugin's worker is started from. */
  @FunctionalInterface
  interface Plans {
    /**
     * May take minutes, where an image or dependencies have to be fetched.
     *
     * @param under what it is for
     * @throws dev.berth.api.PluginException {@code config_missing}, {@code store_corrupt} and
     *     others, or why the start was given up
     */
    LaunchPlan plan(PluginRow row, Launcher.Attempt under);
  }

  /** Remembers that a plugin was given up. */
  @FunctionalInterface
  interface Keeper {
    /**
     * @return the row as it is now
     */
    PluginRow failed(PluginRow row, PluginState.Failed state);
  }
}
