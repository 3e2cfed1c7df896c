package dev.berth.host.lifecycle;

import dev.berth.api.PluginState;
import dev.berth.host.store.PluginRow;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/** A row, changed in one respect. */
final class Rows {
  private Rows() {}

  static PluginRow with(PluginRow row, PluginState state, Instant at) {
    return new PluginRow(
        row.id(),
        row.tenant(),
        row.name(),
        row.version(),
        row.packageDigest(),
        row.siteLock(),
        state,
        row.slot(),
        row.installedAt(),
        at);
  }

  static PluginRow with(
      PluginRow row, String version, String digest, @Nullable String siteLock, Instant at) {
    return new PluginRow(
        row.id(),
        row.tenant(),
        row.name(),
        version,
        digest,
        siteLock,
        row.state(),
        row.slot(),
        row.installedAt(),
        at);
  }
}
