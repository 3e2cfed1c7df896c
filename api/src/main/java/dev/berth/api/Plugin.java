package dev.berth.api;

import java.time.Instant;

/**
 * A tenant's installation of a package.
 *
 * @param packageDigest {@code sha256-} and 64 hexadecimal digits: the immutable package it runs
 * @param isolation what its worker runs in, or would
 */
public record Plugin(
    PluginId id,
    TenantId tenant,
    PluginManifest manifest,
    PluginState state,
    WorkerState worker,
    String packageDigest,
    Isolation isolation,
    Instant installedAt,
    Instant updatedAt) {}
