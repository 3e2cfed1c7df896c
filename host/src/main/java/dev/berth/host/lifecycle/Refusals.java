package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.host.store.PluginRow;
import org.jspecify.annotations.Nullable;

/** What a supervisor says when it doesn't take a call or an operation. */
final class Refusals {
  private Refusals() {}

  /** Why a plugin of which {@code wanted} is wanted takes no calls; null when it does. */
  static @Nullable PluginException of(PluginRow row, PluginState wanted) {
    String label = LaunchPlan.label(row);
    return switch (wanted) {
      case PluginState.Enabled _ -> null;
      case PluginState.Failed(String reason) ->
          new PluginException(
              ErrorCode.PLUGIN_FAILED,
              label
                  + " has failed: "
                  + reason
                  + " `berth logs "
                  + row.id()
                  + "` shows more; `berth enable "
                  + row.id()
                  + "` tries again.");
      case PluginState.Installed _, PluginState.Disabled _ ->
          new PluginException(
              ErrorCode.PLUGIN_NOT_ENABLED,
              label + " is not enabled. `berth enable " + row.id() + "` enables it.");
    };
  }

  static PluginException overloaded(PluginRow row) {
    return new PluginException(
        ErrorCode.PLUGIN_OVERLOADED,
        LaunchPlan.label(row)
            + ": its worker is being started and "
            + WaitingRoom.PLACES
            + " calls wait for it already. Try again later.");
  }

  /**
   * @param lastFailure what happened to the worker last; empty when nothing is known
   */
  static PluginException waitedInVain(PluginRow row, String lastFailure) {
    return new PluginException(
        ErrorCode.PLUGIN_TIMEOUT,
        LaunchPlan.label(row)
            + " had no running worker within the call's time"
            + (lastFailure.isEmpty() ? "." : ". What happened last: " + lastFailure));
  }

  /**
   * @param by what was done instead, one word, e.g. {@code disabled}
   * @param doing what comes to nothing by that, one word, e.g. {@code updated}
   */
  static PluginException overruled(PluginRow row, String by, String doing) {
    return new PluginException(
        ErrorCode.CANCELLED,
        LaunchPlan.label(row)
            + " was "
            + by
            + " while it was being "
            + doing
            + ": its start was given up.");
  }

  /**
   * @param doing what is done to it now, one word, e.g. {@code updated}
   */
  static PluginException busy(PluginRow row, String doing) {
    return new PluginException(
        ErrorCode.PLUGIN_BUSY,
        LaunchPlan.label(row) + " is being " + doing + ". Try again when that is done.");
  }
}
