package dev.berth.sandbox;

import dev.berth.api.PluginId;
import dev.berth.api.ResourceLimits;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What to run and how much it may have.
 *
 * @param plugin whose worker it is
 * @param generation grows by one with every worker the plugin gets; names control groups and
 *     containers together with the id, so that two workers of a plugin never share one
 * @param packageDir seen read-only at {@code /workspace}
 * @param siteDir the locked dependencies, seen read-only at {@code /site}; null when there are none
 * @param dataDir the plugin's own folder, seen writable at {@code /data}; made by the sandbox,
 *     owned by the plugin's uid
 * @param slot the plugin's number, from 0: its uid is 200000 + slot where uids can be had
 * @param limits memory, CPU weight
 */
public record SandboxSpec(
    PluginId plugin,
    int generation,
    Path packageDir,
    @Nullable Path siteDir,
    Path dataDir,
    int slot,
    ResourceLimits limits) {}
