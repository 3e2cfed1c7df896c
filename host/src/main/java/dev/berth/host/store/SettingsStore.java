package dev.berth.host.store;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.JsonScanner;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.TenantId;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.JdbiException;
import org.jspecify.annotations.Nullable;
import org.sqlite.SQLiteErrorCode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The operator's own settings of each plugin. Secrets among them are encrypted with a key kept in
 * {@code <data>/keys/secrets.json}, apart from the database, made when the first secret is written.
 */
public final class SettingsStore {
  private static final JsonMapper MAPPER = JsonMapper.shared();

  /** One setting as stored: in the clear or sealed. */
  private record Row(String key, @Nullable String value, @Nullable String sealed) {}

  /** Whose. */
  private record Owner(TenantId tenant, PluginId plugin) {}

  private final Database database;
  private final SecretBox box;

  /**
   * What was read, secrets sealed: a start must not wait for the disk. Guarded by itself, as is
   * {@code changes}, which tells whether what was read meanwhile is old.
   */
  private final Map<Owner, List<Row>> known = new HashMap<>();

  private long changes;

  SettingsStore(Database database, SecretBox box) {
    this.database = database;
    this.box = box;
  }

  /**
   * The operator's settings, secrets in the clear, as a JSON object in the order of their keys;
   * empty when there are none.
   *
   * @throws PluginException {@code store_corrupt} when the key file is not the one that secrets
   *     were encrypted with
   */
  public Json read(TenantId tenant, PluginId plugin) {
    List<Row> rows = rows(new Owner(tenant, plugin));
    return Json.of(
        rows.stream()
            .map(row -> MAPPER.writeValueAsString(row.key()) + ":" + value(row, tenant, plugin))
            .collect(Collectors.joining(",", "{", "}")));
  }

  private List<Row> rows(Owner owner) {
    if (database.isWriting()) {
      return database.read(handle -> rows(handle, owner.tenant(), owner.plugin()));
    }
    long before;
    synchronized (known) {
      List<Row> rows = known.get(owner);
      if (rows != null) {
        return rows;
      }
      before = changes;
    }
    List<Row> rows = database.read(handle -> rows(handle, owner.tenant(), owner.plugin()));
    synchronized (known) {
      if (changes == before) {
        known.put(owner, List.copyOf(rows));
      }
    }
    return rows;
  }

  /** Once the transaction under way has committed, what is known of it is old. */
  private void changes(TenantId tenant, PluginId plugin) {
    database.afterCommit(() -> {
      synchronized (known) {
        known.remove(new Owner(tenant, plugin));
        changes++;
      }
    });
  }

  private String value(Row row, TenantId tenant, PluginId plugin) {
    if (row.value() != null) {
      return row.value();
    }
    String sealed = row.sealed();
    if (sealed == null) {
      throw new IllegalStateException("a setting the schema does not allow: " + row.key());
    }
    return box.open(sealed, place(tenant, plugin, row.key()), plugin.value());
  }

  /**
   * Replaces the operator's settings of a plugin that the registry has.
   *
   * @param settings a JSON object
   * @param secretKeys which of its members are secret; what was stored in the clear before and is
   *     secret now does not stay on disk
   * @throws PluginException {@code store_corrupt} when a secret is to be written and the key file
   *     that others were encrypted with is missing, {@code plugin_not_found}
   */
  public void write(TenantId tenant, PluginId plugin, Json settings, Set<String> secretKeys) {
    Map<String, String> members = members(settings);
    database.<@Nullable Void>write(handle -> {
      boolean exposed =
          rows(handle, tenant, plugin).stream()
              .anyMatch(row -> row.value() != null && secretKeys.contains(row.key()));
      boolean sealing = members.keySet().stream().anyMatch(secretKeys::contains);
      if (sealing && box.hasNoKey() && hasSecrets(handle)) {
        // A new key here would make it look as if all were well until the old ones are needed.
        throw box.lost("plugins of this host", "is missing", null);
      }
      deleteRows(handle, tenant, plugin);
      changes(tenant, plugin);
      members.forEach(
          (key, value) -> insert(handle, tenant, plugin, key, value, secretKeys.contains(key)));
      if (exposed) {
        database.afterCommit(database::checkpoint);
      }
      return null;
    });
  }

  private void insert(
      Handle handle, TenantId tenant, PluginId plugin, String key, String value, boolean secret) {
    try {
      handle
          .createUpdate(
              "INSERT INTO setting (tenant, plugin, key, value, sealed)"
                  + " VALUES (:tenant, :plugin, :key, :value, :sealed)")
          .bind("tenant", tenant.value())
          .bind("plugin", plugin.value())
          .bind("key", key)
          .bind("value", secret ? null : value)
          .bind("sealed", secret ? box.seal(value, place(tenant, plugin, key)) : null)
          .execute();
    } catch (JdbiException e) {
      if (StoreFailure.is(e, SQLiteErrorCode.SQLITE_CONSTRAINT_FOREIGNKEY)) {
        throw new PluginException(
            ErrorCode.PLUGIN_NOT_FOUND,
            "There is no plugin '" + plugin + "'. `berth list` shows the ids.",
            e);
      }
      throw e;
    }
  }

  /** Forgets them; needs no key. */
  public void delete(TenantId tenant, PluginId plugin) {
    database.<@Nullable Void>write(handle -> {
      deleteRows(handle, tenant, plugin);
      changes(tenant, plugin);
      return null;
    });
  }

  private static int deleteRows(Handle handle, TenantId tenant, PluginId plugin) {
    return handle
        .createUpdate("DELETE FROM setting WHERE tenant = :tenant AND plugin = :plugin")
        .bind("tenant", tenant.value())
        .bind("plugin", plugin.value())
        .execute();
  }

  private static List<Row> rows(Handle handle, TenantId tenant, PluginId plugin) {
    return handle
        .createQuery(
            "SELECT key, value, sealed FROM setting"
                + " WHERE tenant = :tenant AND plugin = :plugin ORDER BY key")
        .bind("tenant", tenant.value())
        .bind("plugin", plugin.value())
        .map((row, _) ->
            new Row(row.getString("key"), row.getString("value"), row.getString("sealed")))
        .list();
  }

  private static boolean hasSecrets(Handle handle) {
    return handle
        .createQuery("SELECT EXISTS (SELECT 1 FROM setting WHERE sealed IS NOT NULL)")
        .mapTo(boolean.class)
        .one();
  }

  /** What a secret is bound to: moved to another row it does not open. */
  private static String place(TenantId tenant, PluginId plugin, String key) {
    // Neither of the first two can hold a slash.
    return tenant + "/" + plugin + "/" + key;
  }

  /** The members of {@code object}, each value as its own text. */
  private static Map<String, String> members(Json object) {
    if (!object.isObject()) {
      throw new PluginException(ErrorCode.CONFIG_INVALID, "Settings must be a JSON object.");
    }
    byte[] text = object.toByteArray();
    int end = text.length;
    var members = new LinkedHashMap<String, String>();
    int at = JsonScanner.skipWhitespace(text, 1, end);
    while (text[at] != '}') {
      int keyEnd = JsonScanner.skipString(text, at, end);
      String key = MAPPER.readValue(text, at, keyEnd - at, String.class);
      int from = JsonScanner.skipWhitespace(text, JsonScanner.skipKey(text, at, end), end);
      int to = JsonScanner.skipValue(text, from, end);
      members.put(key, Json.scanned(text, from, to).toString());
      at = JsonScanner.skipWhitespace(text, to, end);
      if (text[at] == ',') {
        at = JsonScanner.skipWhitespace(text, at + 1, end);
      }
    }
    return members;
  }
}
