package dev.berth.host.store;

import dev.berth.api.Json;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import java.time.Instant;

/**
 * An operation of several steps that has begun and not ended.
 *
 * @param id grows with every entry
 * @param kind what it is, e.g. {@code install}
 * @param slot the slot of its plugin, kept from others until the entry ends
 * @param intent what recovery needs to know, a JSON object
 * @param step the last step that was reached; {@code begin} at first
 */
public record JournalEntry(
    long id,
    String kind,
    TenantId tenant,
    PluginId plugin,
    int slot,
    Json intent,
    String step,
    Instant startedAt) {
  /** This entry at another step. */
  JournalEntry at(String newStep) {
    return new JournalEntry(id, kind, tenant, plugin, slot, intent, newStep, startedAt);
  }
}
