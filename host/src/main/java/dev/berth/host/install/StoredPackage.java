package dev.berth.host.install;

import dev.berth.api.Json;
import dev.berth.api.PluginManifest;
import java.nio.file.Path;

/**
 * An immutable package on disk.
 *
 * @param digest {@code sha256-} and 64 hexadecimal digits, over its files' paths, modes and bytes
 * @param directory its read-only tree, plugin.yaml at the top
 * @param defaults config.yaml as a JSON object, checked against the manifest's schema
 * @param requirements the manifest's dependencies and requirements.txt together, in order
 */
public record StoredPackage(
    String digest,
    Path directory,
    PluginManifest manifest,
    Json defaults,
    java.util.List<String> requirements) {
  public StoredPackage {
    requirements = java.util.List.copyOf(requirements);
  }
}
