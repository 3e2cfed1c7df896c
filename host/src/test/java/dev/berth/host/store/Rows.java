package dev.berth.host.store;

import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import java.time.Instant;

/** Rows to put into a registry. */
final class Rows {
  static final Instant TIME = Instant.ofEpochMilli(1_767_225_600_123L);
  static final String DIGEST = "sha256-" + "a".repeat(64);
  static final TenantId OTHER = new TenantId("other");

  private Rows() {}

  static PluginRow row(Store store, TenantId tenant, String name) {
    return new PluginRow(
        store.registry().newId(),
        tenant,
        name,
        "1.0.0",
        DIGEST,
        null,
        new PluginState.Installed(),
        store.registry().nextSlot(),
        TIME,
        TIME);
  }

  static PluginRow installed(Store store, TenantId tenant, String name) {
    PluginRow row = row(store, tenant, name);
    store.registry().insert(row);
    return row;
  }
}
