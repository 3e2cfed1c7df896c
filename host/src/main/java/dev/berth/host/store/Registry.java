package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The plugins that are installed, and what the operator wants of each. */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public final class Registry {
  Registry() {}

  /** A new id: {@code plugin_} and ten random characters of lower-case base 32. */
  public PluginId newId() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * The least number that no plugin has and no open journal entry either: what an uninstall has not
   * finished cleaning is not given away. Call it in the same {@link Store#transaction} that begins
   * the journal entry, so that no two installs get the same.
   */
  public int nextSlot() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * @throws PluginException {@code plugin_exists} when the tenant has a plugin of that name
   */
  public void insert(PluginRow row) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  public Optional<PluginRow> find(TenantId tenant, PluginId id) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  public Optional<PluginRow> findByName(TenantId tenant, String name) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The tenant's plugins by name. */
  public List<PluginRow> list(TenantId tenant) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** Every tenant's plugins, by tenant and name. */
  public List<PluginRow> all() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * @throws PluginException {@code plugin_not_found}
   */
  public void setState(TenantId tenant, PluginId id, PluginState state) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * Makes the plugin run another package.
   *
   * @throws PluginException {@code plugin_not_found}
   */
  public void setPackage(
      TenantId tenant,
      PluginId id,
      String version,
      String packageDigest,
      @Nullable String siteLock) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** Forgets the plugin and its settings. Returns whether it was there. */
  public boolean delete(TenantId tenant, PluginId id) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The packages that some plugin of some tenant runs. */
  public Set<String> digestsInUse() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The folders of dependencies that some plugin of some tenant needs. */
  public Set<String> locksInUse() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
