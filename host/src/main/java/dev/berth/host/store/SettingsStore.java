package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import java.util.Set;

/**
 * The operator's own settings of each plugin. Secrets among them are encrypted with a key kept in
 * {@code <data>/keys/secrets.json}, apart from the database, made when the first secret is written.
 */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public final class SettingsStore {
  SettingsStore() {}

  /**
   * The operator's settings, secrets in the clear, as a JSON object; empty when there are none.
   *
   * @throws PluginException {@code store_corrupt} when the key file is not the one that secrets
   *     were encrypted with
   */
  public Json read(TenantId tenant, PluginId plugin) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * Replaces the operator's settings of an installed plugin.
   *
   * @param settings a JSON object
   * @param secretKeys which of its members are secret; what was stored in the clear before and is
   *     secret now does not stay on disk
   * @throws PluginException {@code store_corrupt} when a secret is to be written and the key file
   *     that others were encrypted with is missing, {@code plugin_not_found}
   */
  public void write(TenantId tenant, PluginId plugin, Json settings, Set<String> secretKeys) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** Forgets them; needs no key. */
  public void delete(TenantId tenant, PluginId plugin) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
