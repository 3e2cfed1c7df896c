package dev.berth.host.store;

import dev.berth.api.Json;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.jdbi.v3.core.statement.StatementContext;

/**
 * Operations of several steps write here what they are about to do before they do it, so that a
 * host that died in the middle can finish or undo them when it starts again. Whatever recovery does
 * must be right when done twice.
 */
public final class Journal {
  private static final String BEGIN = "begin";

  private final Database database;
  private final JournalObserver observer;

  Journal(Database database, JournalObserver observer) {
    this.database = database;
    this.observer = observer;
  }

  /** Begins an operation. On disk when this, or the transaction around it, returns. */
  public JournalEntry begin(String kind, TenantId tenant, PluginId plugin, int slot, Json intent) {
    Instant now = Instant.now().truncatedTo(ChronoUnit.MILLIS);
    return database.write(handle -> {
      // RETURNING, because SQLite's driver has one generated key for a whole connection.
      long id =
          handle
              .createQuery(
                  "INSERT INTO journal (kind, tenant, plugin, slot, intent, step, started_at)"
                      + " VALUES (:kind, :tenant, :plugin, :slot, :intent, :step, :now)"
                      + " RETURNING id")
              .bind("kind", kind)
              .bind("tenant", tenant.value())
              .bind("plugin", plugin.value())
              .bind("slot", slot)
              .bind("intent", intent.toString())
              .bind("step", BEGIN)
              .bind("now", now.toEpochMilli())
              .mapTo(long.class)
              .one();
      database.afterCommit(() -> observer.reached(kind, BEGIN));
      return new JournalEntry(id, kind, tenant, plugin, slot, intent, BEGIN, now);
    });
  }

  /** Records that {@code step} is reached. On disk when this returns. */
  public JournalEntry step(JournalEntry entry, String step) {
    return database.write(handle -> {
      int changed =
          handle
              .createUpdate("UPDATE journal SET step = :step WHERE id = :id")
              .bind("step", step)
              .bind("id", entry.id())
              .execute();
      if (changed == 0) {
        throw new IllegalStateException(
            "The operation " + entry.kind() + " of " + entry.plugin() + " has ended already.");
      }
      database.afterCommit(() -> observer.reached(entry.kind(), step));
      return entry.at(step);
    });
  }

  /**
   * Ends the operation. In one {@link Store#transaction} with the change to the registry that it
   * was about, either both happen or neither. Ending it twice is harmless.
   */
  public void finish(JournalEntry entry) {
    database.write(handle -> {
      int changed =
          handle
              .createUpdate("DELETE FROM journal WHERE id = :id")
              .bind("id", entry.id())
              .execute();
      observer.reached(entry.kind(), "finish");
      database.afterCommit(() -> observer.reached(entry.kind(), "finished"));
      return changed;
    });
  }

  /** The operations that have begun and not ended, of all tenants, oldest first. */
  public List<JournalEntry> open() {
    return database.read(handle ->
        handle.createQuery("SELECT * FROM journal ORDER BY id").map(Journal::entry).list());
  }

  private static JournalEntry entry(ResultSet row, StatementContext context) throws SQLException {
    return new JournalEntry(
        row.getLong("id"),
        row.getString("kind"),
        new TenantId(row.getString("tenant")),
        new PluginId(row.getString("plugin")),
        row.getInt("slot"),
        Json.of(row.getString("intent")),
        row.getString("step"),
        Instant.ofEpochMilli(row.getLong("started_at")));
  }
}
