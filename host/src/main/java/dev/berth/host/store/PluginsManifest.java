package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;

/**
 * {@code <data>/plugins/manifest.json}: the registry for people to read. The database is the truth;
 * nothing reads this file back.
 */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public final class PluginsManifest {
  PluginsManifest() {}

  /** Writes what the registry holds now, replacing the file as a whole. */
  public void write() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
