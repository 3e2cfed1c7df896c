package dev.berth.host.lifecycle;

import dev.berth.api.PluginId;
import dev.berth.host.store.JournalEntry;
import dev.berth.host.store.PluginRow;
import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Brings registry and disk together after a host that ended in the middle of something. Everything
 * here may be done twice, or be cut short by the next crash.
 */
final class Recovery {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

  private final Rooms rooms;
  private final Removal removal;

  Recovery(Rooms rooms, Removal removal) {
    this.rooms = rooms;
    this.removal = removal;
  }

  void run() {
    rooms.catalog().packages().sweep();
    rooms.dependencies().sweep();
    for (JournalEntry entry : rooms.store().journal().open()) {
      LOG.info("{} of {} was cut short after '{}'", entry.kind(), entry.plugin(), entry.step());
      finish(entry);
    }
    Set<PluginId> ids =
        rooms.store().registry().all().stream().map(PluginRow::id).collect(Collectors.toSet());
    removal.forgetOthersThan(ids);
    removal.emptyTrash();
    rooms.garbage().sweep();
    rooms.copy().changed();
  }

  private void finish(JournalEntry entry) {
    var store = rooms.store();
    switch (entry.kind()) {
      // The registry changes in the transaction that ends the entry, so an open one changed
      // nothing: what it put on disk is swept with the rest.
      case Installer.KIND, Updater.KIND -> store.journal().finish(entry);
      case Uninstaller.KIND -> {
        Path _ = removal.moveAway(entry.plugin());
        store.transaction(() -> {
          store.settings().delete(entry.tenant(), entry.plugin());
          boolean _ = store.registry().delete(entry.tenant(), entry.plugin());
          store.journal().finish(entry);
        });
      }
      default ->
          LOG.error(
              "Journal entry {} is of a kind this version doesn't know: {}. It is left alone.",
              entry.id(),
              entry.kind());
    }
  }
}
