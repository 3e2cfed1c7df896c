package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.host.install.DependencyStore;
import dev.berth.host.store.JournalEntry;
import dev.berth.host.store.PluginRow;
import dev.berth.host.store.Store;
import java.time.Clock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What the operations work with. */
record Rooms(
    Paths paths,
    Store store,
    Catalog catalog,
    DependencyStore dependencies,
    Interpreters interpreters,
    PlanMaker planMaker,
    Garbage garbage,
    Plugins plugins,
    RegistryCopy copy,
    Engine engine,
    Clock clock) {
  private static final Logger LOG = LoggerFactory.getLogger(Rooms.class);

  Supervisor supervise(PluginRow row) {
    return new Supervisor(
        engine,
        row,
        new PluginLog(paths.log(row.id()), engine.timer(), engine.background(), clock),
        new PluginErrors(paths.errors(row.id()), engine.timer(), clock));
  }

  /** An operation has come to nothing. Should this fail too, the next start clears up. */
  void abandon(JournalEntry entry) {
    try {
      store.journal().finish(entry);
    } catch (PluginException e) {
      LOG.warn(
          "The {} of {} is ended at the next start: {}",
          entry.kind(),
          entry.plugin(),
          e.getMessage());
    }
  }
}
