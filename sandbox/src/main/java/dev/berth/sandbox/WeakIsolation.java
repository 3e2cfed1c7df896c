package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import java.util.List;
import java.util.Set;

/** Refuses to start a plugin where its sandbox would lack a protection. */
final class WeakIsolation {
  /** Said in {@link Sandbox#isolation()}, but no reason not to start: most hosts have it not. */
  private static final Set<String> TOLERATED = Set.of("data_size_limit");

  private WeakIsolation() {}

  /**
   * @param allowed whether the operator lets plugins start nevertheless
   * @throws PluginException {@code sandbox_too_weak}, naming all that is missing and the remedies
   */
  static void refuse(PluginId plugin, Isolation found, boolean allowed) {
    List<String> missing =
        found.missing().stream()
            .filter(m -> !TOLERATED.contains(m.protection()))
            .map(m -> m.protection() + " (" + m.why() + ". " + m.remedy() + ")")
            .toList();
    if (!missing.isEmpty() && !allowed) {
      throw new PluginException(
          ErrorCode.SANDBOX_TOO_WEAK,
          "Plugin "
              + plugin
              + " is not started: this host can't give its sandbox "
              + String.join(", ", missing)
              + ". To start plugins nevertheless, allow weak isolation in the settings.");
    }
  }
}
