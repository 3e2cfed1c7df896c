package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** The plugins of this host, each with its supervisor. */
final class Plugins {
  private final ConcurrentHashMap<PluginId, Supervisor> byId = new ConcurrentHashMap<>();

  void add(Supervisor plugin) {
    byId.put(plugin.id(), plugin);
  }

  void remove(Supervisor plugin) {
    byId.remove(plugin.id(), plugin);
  }

  Collection<Supervisor> all() {
    return byId.values();
  }

  List<Supervisor> of(TenantId tenant) {
    return byId.values().stream()
        .filter(plugin -> plugin.tenant().equals(tenant))
        .sorted(Comparator.comparing(plugin -> plugin.row().name()))
        .toList();
  }

  /** The tenant's plugin; null when it has none of that id, whoever else may. */
  @Nullable Supervisor find(TenantId tenant, PluginId id) {
    Supervisor plugin = byId.get(id);
    return plugin != null && plugin.tenant().equals(tenant) ? plugin : null;
  }

  /**
   * @throws PluginException {@code plugin_not_found}
   */
  Supervisor get(TenantId tenant, PluginId id) {
    Supervisor plugin = find(tenant, id);
    if (plugin == null) {
      throw missing(id);
    }
    return plugin;
  }

  static PluginException missing(PluginId id) {
    return new PluginException(
        ErrorCode.PLUGIN_NOT_FOUND, "There is no plugin '" + id + "'. `berth list` shows the ids.");
  }
}
