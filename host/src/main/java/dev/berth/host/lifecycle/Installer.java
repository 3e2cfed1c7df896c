package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.SettingsRules;
import dev.berth.host.store.JournalEntry;
import dev.berth.host.store.PluginRow;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Installs. The journal entry comes first and keeps the slot; package and dependencies are named by
 * their content and harmless without a plugin; the row, its settings and the entry's end are one
 * transaction. A host that dies before it has installed nothing, after it everything.
 */
final class Installer {
  static final String KIND = "install";

  private final Rooms rooms;
  private final Preparation preparation;

  /** Held from the last look at other plugins' commands until the registry has this one's. */
  private final Object commands;

  Installer(Rooms rooms, Preparation preparation, Object commands) {
    this.rooms = rooms;
    this.preparation = preparation;
    this.commands = commands;
  }

  Supervisor install(
      TenantId tenant, InstallSource source, @Nullable Json settings, InstallProgress progress) {
    var store = rooms.store();
    rooms.garbage().hold();
    try {
      JournalEntry entry =
          store.transaction(() ->
              store
                  .journal()
                  .begin(
                      KIND,
                      tenant,
                      store.registry().newId(),
                      store.registry().nextSlot(),
                      Intent.of(Map.of("source", source.toString()))));
      try {
        return install(entry, source, settings, progress);
      } catch (RuntimeException e) {
        rooms.garbage().left();
        rooms.abandon(entry);
        throw e;
      }
    } finally {
      rooms.garbage().release();
    }
  }

  private Supervisor install(
      JournalEntry begun, InstallSource source, @Nullable Json settings, InstallProgress progress) {
    var store = rooms.store();
    TenantId tenant = begun.tenant();
    StoredPackage pack = preparation.unpack(source, progress);
    checkName(tenant, pack.manifest().name());
    preparation.checkCommands(tenant, pack, null);
    var schema = pack.manifest().configSchema();
    Json overrides =
        settings == null ? Json.EMPTY_OBJECT : SettingsRules.merge(Json.EMPTY_OBJECT, settings);
    SettingsRules.check(schema, overrides);
    JournalEntry stored = store.journal().step(begun, "stored");
    String lock = preparation.dependencies(pack, progress);
    JournalEntry ready = lock == null ? stored : store.journal().step(stored, "dependencies");
    progress.onStep("register", pack.manifest().name());
    Instant now = rooms.clock().instant();
    var row =
        new PluginRow(
            ready.plugin(),
            tenant,
            pack.manifest().name(),
            pack.manifest().version().text(),
            pack.digest(),
            lock,
            new PluginState.Installed(),
            ready.slot(),
            now,
            now);
    Supervisor plugin = rooms.supervise(row);
    synchronized (commands) {
      checkName(tenant, row.name());
      preparation.checkCommands(tenant, pack, null);
      store.transaction(() -> {
        store.registry().insert(row);
        if (!overrides.equals(Json.EMPTY_OBJECT)) {
          store.settings().write(tenant, row.id(), overrides, Intent.secretKeys(schema));
        }
        store.journal().finish(ready);
      });
      rooms.plugins().add(plugin);
    }
    rooms.copy().changed();
    return plugin;
  }

  private void checkName(TenantId tenant, String name) {
    Optional<PluginRow> there = rooms.store().registry().findByName(tenant, name);
    if (there.isPresent()) {
      PluginRow row = there.get();
      throw new PluginException(
          ErrorCode.PLUGIN_EXISTS,
          name
              + " is installed already, in version "
              + row.version()
              + " as "
              + row.id()
              + ". `berth update "
              + row.id()
              + " ARCHIVE` replaces it by this one.",
          Map.of("plugin_id", row.id().value(), "version", row.version()),
          null);
    }
  }
}
