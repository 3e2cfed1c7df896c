package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jdbi.v3.core.JdbiException;
import org.jdbi.v3.core.statement.StatementContext;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;

/** The plugins that are installed, and what the operator wants of each. */
public final class Registry {
  private final Database database;

  Registry(Database database) {
    this.database = database;
  }

  /** A new id: {@code plugin_} and ten random characters of lower-case base 32. */
  public PluginId newId() {
    return new PluginId("plugin_" + RandomText.base32(10));
  }

  /**
   * The least number that no plugin has and no open journal entry either: what an uninstall has not
   * finished cleaning is not given away. Call it in the same {@link Store#transaction} that begins
   * the journal entry, so that no two installs get the same.
   */
  public int nextSlot() {
    return database.write(handle -> {
      var taken = new BitSet();
      handle
          .createQuery("SELECT slot FROM plugin UNION SELECT slot FROM journal")
          .mapTo(int.class)
          .forEach(taken::set);
      return taken.nextClearBit(0);
    });
  }

  /**
   * @throws PluginException {@code plugin_exists} when the tenant has a plugin of that name
   */
  public void insert(PluginRow row) {
    database.write(handle -> {
      try {
        return handle
            .createUpdate(
                "INSERT INTO plugin (id, tenant, name, version, package_digest, site_lock,"
                    + " status, failure, slot, installed_at, updated_at) VALUES (:id, :tenant,"
                    + " :name, :version, :digest, :lock, :status, :failure, :slot, :installed,"
                    + " :updated)")
            .bind("id", row.id().value())
            .bind("tenant", row.tenant().value())
            .bind("name", row.name())
            .bind("version", row.version())
            .bind("digest", row.packageDigest())
            .bind("lock", row.siteLock())
            .bind("status", row.state().status())
            .bind("failure", failure(row.state()))
            .bind("slot", row.slot())
            .bind("installed", row.installedAt().toEpochMilli())
            .bind("updated", row.updatedAt().toEpochMilli())
            .execute();
      } catch (JdbiException e) {
        if (StoreFailure.is(e, SQLiteErrorCode.SQLITE_CONSTRAINT_UNIQUE)
            && findByName(row.tenant(), row.name()).isPresent()) {
          throw new PluginException(
              ErrorCode.PLUGIN_EXISTS,
              "A plugin named '"
                  + row.name()
                  + "' is installed already. Update it, or uninstall it first.",
              e);
        }
        throw e;
      }
    });
  }

  public Optional<PluginRow> find(TenantId tenant, PluginId id) {
    return database.read(handle ->
        handle
            .createQuery("SELECT * FROM plugin WHERE tenant = :tenant AND id = :id")
            .bind("tenant", tenant.value())
            .bind("id", id.value())
            .map(Registry::row)
            .findOne());
  }

  public Optional<PluginRow> findByName(TenantId tenant, String name) {
    return database.read(handle ->
        handle
            .createQuery("SELECT * FROM plugin WHERE tenant = :tenant AND name = :name")
            .bind("tenant", tenant.value())
            .bind("name", name)
            .map(Registry::row)
            .findOne());
  }

  /** The tenant's plugins by name. */
  public List<PluginRow> list(TenantId tenant) {
    return database.read(handle ->
        handle
            .createQuery("SELECT * FROM plugin WHERE tenant = :tenant ORDER BY name")
            .bind("tenant", tenant.value())
            .map(Registry::row)
            .list());
  }

  /** Every tenant's plugins, by tenant and name. */
  public List<PluginRow> all() {
    return database.read(handle ->
        handle.createQuery("SELECT * FROM plugin ORDER BY tenant, name").map(Registry::row).list());
  }

  /**
   * @param at when it became so
   * @throws PluginException {@code plugin_not_found}
   */
  public void setState(TenantId tenant, PluginId id, PluginState state, Instant at) {
    int changed =
        database.write(handle ->
            handle
                .createUpdate(
                    "UPDATE plugin SET status = :status, failure = :failure, updated_at = :now"
                        + " WHERE tenant = :tenant AND id = :id")
                .bind("tenant", tenant.value())
                .bind("id", id.value())
                .bind("status", state.status())
                .bind("failure", failure(state))
                .bind("now", at.toEpochMilli())
                .execute());
    requireOne(changed, id);
  }

  /**
   * Makes the plugin run another package.
   *
   * @throws PluginException {@code plugin_not_found}
   */
  public void setPackage(
      TenantId tenant,
      PluginId id,
      String version,
      String packageDigest,
      @Nullable String siteLock) {
    int changed =
        database.write(handle ->
            handle
                .createUpdate(
                    "UPDATE plugin SET version = :version, package_digest = :digest, site_lock"
                        + " = :lock, updated_at = :now WHERE tenant = :tenant AND id = :id")
                .bind("tenant", tenant.value())
                .bind("id", id.value())
                .bind("version", version)
                .bind("digest", packageDigest)
                .bind("lock", siteLock)
                .bind("now", Instant.now().toEpochMilli())
                .execute());
    requireOne(changed, id);
  }

  /** Forgets the plugin and its settings. Returns whether it was there. */
  public boolean delete(TenantId tenant, PluginId id) {
    return database.write(handle ->
        handle
            .createUpdate("DELETE FROM plugin WHERE tenant = :tenant AND id = :id")
            .bind("tenant", tenant.value())
            .bind("id", id.value())
            .execute())
        > 0;
  }

  /** The packages that some plugin of some tenant runs. */
  public Set<String> digestsInUse() {
    return distinct("SELECT DISTINCT package_digest FROM plugin");
  }

  /** The folders of dependencies that some plugin of some tenant needs. */
  public Set<String> locksInUse() {
    return distinct("SELECT DISTINCT site_lock FROM plugin WHERE site_lock IS NOT NULL");
  }

  private Set<String> distinct(String sql) {
    return database.read(handle -> handle.createQuery(sql).mapTo(String.class).set());
  }

  private static void requireOne(int changed, PluginId id) {
    if (changed == 0) {
      throw new PluginException(
          ErrorCode.PLUGIN_NOT_FOUND,
          "There is no plugin '" + id + "'. `berth list` shows the ids.");
    }
  }

  private static @Nullable String failure(PluginState state) {
    return state instanceof PluginState.Failed failed ? failed.reason() : null;
  }

  private static PluginRow row(ResultSet row, StatementContext context) throws SQLException {
    return new PluginRow(
        new PluginId(row.getString("id")),
        new TenantId(row.getString("tenant")),
        row.getString("name"),
        row.getString("version"),
        row.getString("package_digest"),
        row.getString("site_lock"),
        state(row.getString("status"), row.getString("failure")),
        row.getInt("slot"),
        Instant.ofEpochMilli(row.getLong("installed_at")),
        Instant.ofEpochMilli(row.getLong("updated_at")));
  }

  private static PluginState state(String status, @Nullable String failure) {
    return switch (status) {
      case "installed" -> new PluginState.Installed();
      case "enabled" -> new PluginState.Enabled();
      case "disabled" -> new PluginState.Disabled();
      case "failed" -> new PluginState.Failed(String.valueOf(failure));
      default -> throw new IllegalStateException("a status the schema does not allow: " + status);
    };
  }
}
