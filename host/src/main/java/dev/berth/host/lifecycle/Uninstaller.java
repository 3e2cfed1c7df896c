package dev.berth.host.lifecycle;

import dev.berth.api.PluginState;
import dev.berth.host.store.JournalEntry;
import dev.berth.host.store.PluginRow;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Uninstalls. Once the journal has the intent it is carried out, by the next host if need be. The
 * row goes last, with the entry, so that slot and uid are free only when nothing is left that knew
 * them.
 */
final class Uninstaller {
  static final String KIND = "uninstall";
  private static final Logger LOG = LoggerFactory.getLogger(Uninstaller.class);

  private final Rooms rooms;
  private final Activation activation;
  private final Removal removal;

  Uninstaller(Rooms rooms, Activation activation, Removal removal) {
    this.rooms = rooms;
    this.activation = activation;
    this.removal = removal;
  }

  Supervisor uninstall(Supervisor plugin) {
    rooms.garbage().hold();
    try {
      return plugin.overruling(
          "uninstalled",
          () -> {
            remove(plugin);
            return plugin;
          });
    } finally {
      rooms.garbage().release();
    }
  }

  private void remove(Supervisor plugin) {
    var store = rooms.store();
    PluginRow row = plugin.row();
    JournalEntry entry =
        store
            .journal()
            .begin(
                KIND,
                row.tenant(),
                row.id(),
                row.slot(),
                Intent.of(Map.of("name", row.name(), "digest", row.packageDigest())));
    Worker worker =
        plugin.withdraw(Rows.with(row, new PluginState.Disabled(), rooms.clock().instant()), null);
    Path gone = null;
    try {
      if (worker != null) {
        activation.stop(plugin, worker, "uninstalled");
      }
      plugin.stopped();
      gone = removal.moveAway(row.id());
      JournalEntry moved = store.journal().step(entry, "removed");
      store.transaction(() -> {
        store.settings().delete(row.tenant(), row.id());
        boolean _ = store.registry().delete(row.tenant(), row.id());
        store.journal().finish(moved);
      });
    } catch (RuntimeException e) {
      removal.putBack(row.id(), gone);
      rooms.abandon(entry);
      plugin.becomes(row);
      throw e;
    }
    Worker none = plugin.withdraw(plugin.row(), Plugins.missing(row.id()));
    if (none != null) {
      throw new IllegalStateException(row.id() + " had a worker when it was uninstalled");
    }
    rooms.plugins().remove(plugin);
    rooms.garbage().left();
    try {
      plugin.log().delete();
      plugin.errors().delete();
    } catch (IOException e) {
      LOG.warn(
          "{}: its log and errors can't be deleted before the next start: {}",
          row.id(),
          e.toString());
    }
    removal.emptyTrash();
    rooms.copy().changed();
  }
}
