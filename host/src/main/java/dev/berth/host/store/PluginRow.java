package dev.berth.host.store;

import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * A plugin as the registry has it.
 *
 * @param siteLock the hash that names its folder of dependencies; null when it has none
 * @param slot a number no other plugin has, the least free one when it was installed
 */
public record PluginRow(
    PluginId id,
    TenantId tenant,
    String name,
    String version,
    String packageDigest,
    @Nullable String siteLock,
    PluginState state,
    int slot,
    Instant installedAt,
    Instant updatedAt) {}
