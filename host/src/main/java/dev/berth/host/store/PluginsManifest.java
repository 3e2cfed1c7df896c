package dev.berth.host.store;

import dev.berth.api.PluginState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * {@code <data>/plugins/manifest.json}: the registry for people to read. The database is the truth:
 * nothing is read back from this file, but its being there shows that there was a database.
 */
public final class PluginsManifest {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path file;
  private final Registry registry;

  PluginsManifest(Path file, Registry registry) {
    this.file = file;
    this.registry = registry;
  }

  /** Writes what the registry holds now, replacing the file as a whole. */
  public synchronized void write() {
    List<Map<String, @Nullable Object>> plugins =
        registry.all().stream().map(PluginsManifest::entry).toList();
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      AtomicFile.write(file, MAPPER.writeValueAsBytes(Map.of("plugins", plugins)));
    } catch (IOException e) {
      throw StoreFailure.of(file, e);
    }
  }

  private static Map<String, @Nullable Object> entry(PluginRow row) {
    var entry = new LinkedHashMap<String, @Nullable Object>();
    entry.put("id", row.id().value());
    entry.put("tenant", row.tenant().value());
    entry.put("name", row.name());
    entry.put("version", row.version());
    entry.put("status", row.state().status());
    if (row.state() instanceof PluginState.Failed failed) {
      entry.put("reason", failed.reason());
    }
    entry.put("package", row.packageDigest());
    if (row.siteLock() != null) {
      entry.put("dependencies", row.siteLock());
    }
    entry.put("slot", row.slot());
    entry.put("installed_at", row.installedAt().toString());
    entry.put("updated_at", row.updatedAt().toString());
    return entry;
  }
}
