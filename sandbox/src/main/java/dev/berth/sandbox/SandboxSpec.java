package dev.berth.sandbox;

import dev.berth.api.PluginId;
import dev.berth.api.ResourceLimits;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What to run and how much it may have.
 *
 * @param plugin whose worker it is
 * @param generation grows by one with every worker the plugin gets; a container is named after it
 *     too where the one of the worker before still has the plugin's name
 * @param packageDir seen read-only at {@code /workspace}
 * @param siteDir the locked dependencies, seen read-only at {@code /site}; null when there are none
 * @param dataDir the plugin's own folder, seen writable at {@code /data}; made by the sandbox,
 *     owned by the plugin's uid
 * @param dataBytes how much {@code /data} holds at most, where that can be had
 * @param folders the host's folders that the operator lets it see
 * @param egress the unix socket of its own egress proxy, seen at {@code /run/egress.sock}; null
 *     when it has no network
 * @param image the container image it wants; empty for the sandbox's own choice, and without
 *     meaning outside containers
 * @param slot the plugin's number, from 0: where uids can be had, its {@code /data} belongs to uid
 *     200000 + slot, and so do its processes, but for containers that were made before their plugin
 *     was known: each of those has a uid of its own, from 270000 on
 * @param limits memory, CPU weight
 */
public record SandboxSpec(
    PluginId plugin,
    int generation,
    Path packageDir,
    @Nullable Path siteDir,
    Path dataDir,
    long dataBytes,
    List<SharedFolder> folders,
    @Nullable Path egress,
    String image,
    int slot,
    ResourceLimits limits) {
  /** What {@code /data} holds where nobody says otherwise. */
  public static final long DATA_BYTES = 256L << 20;

  public SandboxSpec {
    folders = List.copyOf(folders);
  }

  /** A plugin with nothing but its own files. */
  public static SandboxSpec of(
      PluginId plugin,
      int generation,
      Path packageDir,
      @Nullable Path siteDir,
      Path dataDir,
      int slot,
      ResourceLimits limits) {
    return new SandboxSpec(
        plugin,
        generation,
        packageDir,
        siteDir,
        dataDir,
        DATA_BYTES,
        List.of(),
        null,
        "",
        slot,
        limits);
  }

  public SandboxSpec withDataBytes(long bytes) {
    return new SandboxSpec(
        plugin,
        generation,
        packageDir,
        siteDir,
        dataDir,
        bytes,
        folders,
        egress,
        image,
        slot,
        limits);
  }

  public SandboxSpec withFolders(List<SharedFolder> shared) {
    return new SandboxSpec(
        plugin,
        generation,
        packageDir,
        siteDir,
        dataDir,
        dataBytes,
        shared,
        egress,
        image,
        slot,
        limits);
  }

  public SandboxSpec withEgress(@Nullable Path socket) {
    return new SandboxSpec(
        plugin,
        generation,
        packageDir,
        siteDir,
        dataDir,
        dataBytes,
        folders,
        socket,
        image,
        slot,
        limits);
  }

  public SandboxSpec withImage(String name) {
    return new SandboxSpec(
        plugin,
        generation,
        packageDir,
        siteDir,
        dataDir,
        dataBytes,
        folders,
        egress,
        name,
        slot,
        limits);
  }
}
