package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import java.util.List;

/**
 * Operations of several steps write here what they are about to do before they do it, so that a
 * host that died in the middle can finish or undo them when it starts again. Whatever recovery does
 * must be right when done twice.
 */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public final class Journal {
  Journal() {}

  /** Begins an operation. On disk when this returns. */
  public JournalEntry begin(String kind, TenantId tenant, PluginId plugin, int slot, Json intent) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** Records that {@code step} is reached. On disk when this returns. */
  public JournalEntry step(JournalEntry entry, String step) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * Ends the operation. In one {@link Store#transaction} with the change to the registry that it
   * was about, either both happen or neither. Ending it twice is harmless.
   */
  public void finish(JournalEntry entry) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The operations that have begun and not ended, of all tenants, oldest first. */
  public List<JournalEntry> open() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
