package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginState;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.SettingsRules;
import dev.berth.host.store.JournalEntry;
import dev.berth.host.store.PluginRow;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Replaces a plugin's package, or its settings. The new worker comes up beside the old one, which
 * answers until then; only when the new one is initialised does the registry change, and then the
 * calls go over. So a version that doesn't come up costs nothing but the message, and no call falls
 * between the two. For that moment both see the plugin's data folder.
 */
final class Updater {
  static final String KIND = "update";

  private final Rooms rooms;
  private final Preparation preparation;
  private final Activation activation;
  private final Object commands;

  Updater(Rooms rooms, Preparation preparation, Activation activation, Object commands) {
    this.rooms = rooms;
    this.preparation = preparation;
    this.activation = activation;
    this.commands = commands;
  }

  Supervisor update(Supervisor plugin, InstallSource source, InstallProgress progress) {
    var store = rooms.store();
    rooms.garbage().hold();
    try {
      PluginRow row = plugin.row();
      JournalEntry entry =
          store
              .journal()
              .begin(
                  KIND,
                  row.tenant(),
                  row.id(),
                  row.slot(),
                  Intent.of(Map.of("from", row.packageDigest(), "source", source.toString())));
      try {
        StoredPackage pack = preparation.unpack(source, progress);
        checkName(plugin, pack);
        preparation.checkCommands(row.tenant(), pack, row.id());
        JournalEntry stored = store.journal().step(entry, "stored");
        String lock = preparation.dependencies(pack, progress);
        return plugin.exclusively(
            "updated",
            attempt -> {
              progress.onStep("start", pack.manifest().name() + " " + pack.manifest().version());
              replace(plugin, pack, lock, stored, attempt);
              return plugin;
            });
      } catch (RuntimeException e) {
        rooms.abandon(entry);
        throw e;
      } finally {
        rooms.garbage().left();
      }
    } finally {
      rooms.garbage().release();
    }
  }

  private void replace(
      Supervisor plugin,
      StoredPackage pack,
      @Nullable String lock,
      JournalEntry entry,
      Launcher.Attempt attempt) {
    var store = rooms.store();
    PluginRow old = plugin.row();
    var schema = pack.manifest().configSchema();
    Json overrides = store.settings().read(old.tenant(), old.id());
    Json kept = Intent.known(schema, overrides);
    SettingsRules.check(schema, kept);
    Instant now = rooms.clock().instant();
    PluginRow next = Rows.with(old, pack.manifest().version().text(), pack.digest(), lock, now);
    boolean runs = old.state() instanceof PluginState.Enabled;
    Worker worker = runs ? startNext(plugin, next, pack, kept, attempt) : null;
    try {
      synchronized (commands) {
        preparation.checkCommands(old.tenant(), pack, old.id());
        store.transaction(() -> {
          store.registry().setPackage(old.tenant(), old.id(), next.version(), pack.digest(), lock);
          if (!overrides.equals(Json.EMPTY_OBJECT)) {
            store.settings().write(old.tenant(), old.id(), kept, Intent.secretKeys(schema));
          }
          store.journal().finish(entry);
        });
        plugin.becomes(next);
      }
    } catch (RuntimeException e) {
      if (worker != null) {
        worker.kill(Activation.cut(plugin, "not updated"));
      }
      throw e;
    }
    rooms.copy().changed();
    plugin.log().fromHost("INFO", "updated from " + old.version() + " to " + next.version());
    if (worker != null) {
      plugin.freshStart();
      activation.handOver(plugin, worker);
    }
  }

  private Worker startNext(
      Supervisor plugin,
      PluginRow next,
      StoredPackage pack,
      Json overrides,
      Launcher.Attempt attempt) {
    try {
      LaunchPlan plan = rooms.planMaker().plan(next, pack, overrides, attempt);
      return plugin.launch(plan, attempt);
    } catch (PluginException e) {
      plugin
          .log()
          .fromHost("ERROR", "version " + next.version() + " did not come up: " + e.getMessage());
      throw new PluginException(
          e.code(),
          e.getMessage()
              + "\nVersion "
              + plugin.row().version()
              + " of "
              + plugin.label()
              + " stays in place.",
          e.details(),
          e);
    }
  }

  private static void checkName(Supervisor plugin, StoredPackage pack) {
    String name = pack.manifest().name();
    if (!name.equals(plugin.row().name())) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "This archive holds "
              + name
              + ", and "
              + plugin.id()
              + " is "
              + plugin.row().name()
              + ". An update is of the same name; `berth install` installs it beside.");
    }
  }

  /**
   * Changes settings. A running plugin gets a new worker with them; when that doesn't come up, the
   * old one goes on with the old settings and nothing is stored.
   */
  Supervisor configure(Supervisor plugin, Json changes) {
    return plugin.exclusively(
        "configured",
        attempt -> {
          var store = rooms.store();
          PluginRow row = plugin.row();
          StoredPackage pack = rooms.catalog().get(row.packageDigest());
          var schema = pack.manifest().configSchema();
          Json before = store.settings().read(row.tenant(), row.id());
          Json after = SettingsRules.merge(before, changes);
          SettingsRules.check(schema, after);
          boolean runs = row.state() instanceof PluginState.Enabled;
          Worker worker =
              runs && !after.equals(before) ? startNext(plugin, row, pack, after, attempt) : null;
          try {
            store.settings().write(row.tenant(), row.id(), after, Intent.secretKeys(schema));
          } catch (RuntimeException e) {
            if (worker != null) {
              worker.kill(Activation.cut(plugin, "not configured"));
            }
            throw e;
          }
          plugin.log().fromHost("INFO", "settings changed");
          if (worker != null) {
            plugin.freshStart();
            activation.handOver(plugin, worker);
          }
          return plugin;
        });
  }
}
