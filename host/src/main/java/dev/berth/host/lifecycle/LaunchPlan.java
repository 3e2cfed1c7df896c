package dev.berth.host.lifecycle;

import dev.berth.api.Json;
import dev.berth.api.PluginId;
import dev.berth.channel.Initialization;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.store.PluginRow;
import dev.berth.sandbox.SandboxSpec;
import dev.berth.sandbox.SharedFolder;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that a worker is started from.
 *
 * @param site its dependencies; null when it has none
 * @param data its own folder, kept across versions. While an update hands over, the old worker and
 *     the new one see it both
 * @param dataBytes how much it holds
 * @param folders the host's folders it may see
 * @param config the settings in force, secrets included
 */
record LaunchPlan(
    PluginRow row,
    StoredPackage pack,
    @Nullable Path site,
    Path data,
    long dataBytes,
    List<SharedFolder> folders,
    Json config) {
  PluginId id() {
    return row.id();
  }

  String name() {
    return row.name();
  }

  /** How messages call it. */
  String label() {
    return label(row);
  }

  static String label(PluginRow row) {
    return row.name() + " (" + row.id() + ")";
  }

  Redactor redactor() {
    return Redactor.of(pack.manifest().configSchema(), config);
  }

  SandboxSpec spec(int generation) {
    return SandboxSpec.of(
            row.id(),
            generation,
            pack.directory(),
            site,
            data,
            row.slot(),
            pack.manifest().resources())
        .withDataBytes(dataBytes)
        .withFolders(folders)
        .withImage(pack.manifest().dockerImage());
  }

  Initialization initialization() {
    return new Initialization(
        row.id(),
        row.name(),
        pack.manifest().version().text(),
        pack.manifest().entryPoint(),
        site == null ? List.of("/workspace") : List.of("/workspace", "/site"),
        config);
  }
}
