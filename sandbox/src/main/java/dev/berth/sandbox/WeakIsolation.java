package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import java.util.List;

/** Refuses to start a plugin where its sandbox would lack a protection. */
final class WeakIsolation {
  private WeakIsolation() {}

  /**
   * @param allowed whether the operator lets plugins start nevertheless
   * @throws PluginException {@code sandbox_too_weak}, naming all that is missing and the remedies
   */
  static void refuse(PluginId plugin, Isolation found, boolean allowed) {
    List<String> missing =
        found.weaknesses().stream()
            .map(m -> m.protection() + " (" + m.why() + ". " + m.remedy() + ")")
            .toList();
    if (!missing.isEmpty() && !allowed) {
      throw new PluginException(
          ErrorCode.SANDBOX_TOO_WEAK,
          "Plugin "
              + plugin
              + " is not started: this host can't give its sandbox "
              + String.join(", ", missing)
              + ". To start plugins nevertheless, serve with --allow-weak-isolation.");
    }
  }
}
