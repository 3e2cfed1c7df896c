package dev.berth.host.store;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import dev.berth.api.TenantId;
import dev.berth.api.Text;
import java.security.MessageDigest;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.LongSupplier;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jdbi.v3.core.Handle;

/**
 * API keys: {@code berth_}, the public id, {@code _}, 256 random bits. Because the secret is random
 * and long, one SHA-256 keeps it as well as a slow password hash would. Checking a key is on the
 * way of every request, so all hashes are kept in memory, and read again after a second: {@code
 * berth key} makes and revokes them in a process of its own.
 */
final class StoredKeys implements AccessKeys {
  private static final Pattern FORM = Pattern.compile("berth_([0-9a-v]{10})_[0-9A-Za-z_-]{43}");
  private static final int MAX_LENGTH = 60;
  private static final int MAX_NAME = 100;
  private static final long FRESH_NANOS = 1_000_000_000;

  /** A key and the SHA-256 of its whole secret. */
  private static final class Stored {
    private final Key key;
    private final byte[] hash;

    Stored(Key key, byte[] hash) {
      this.key = key;
      this.hash = hash;
    }

    Key key() {
      return key;
    }
  }

  /** What an unknown id is compared with, so that the work is the same. */
  private static final Stored NOBODY =
      new Stored(
          new Key("", "", TenantId.DEFAULT, Instant.EPOCH), Sha256.of(RandomText.base32(60)));

  /** What was read, and when by {@link #nanos}. */
  private record Read(Map<String, Stored> keys, long at) {}

  private final Database database;
  private final LongSupplier nanos;
  private volatile Read read;

  StoredKeys(Database database) {
    this(database, System::nanoTime);
  }

  StoredKeys(Database database, LongSupplier nanos) {
    this.database = database;
    this.nanos = nanos;
    this.read = load();
  }

  @Override
  public Created create(TenantId tenant, String name) {
    if (name.isBlank() || name.length() > MAX_NAME) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "A key needs a name of 1 to "
              + MAX_NAME
              + " characters, not '"
              + Text.printable(name, MAX_NAME)
              + "'.");
    }
    var key =
        new Key(RandomText.base32(10), name, tenant, Instant.now().truncatedTo(ChronoUnit.MILLIS));
    String secret =
        "berth_"
            + key.id()
            + "_"
            + Base64.getUrlEncoder().withoutPadding().encodeToString(RandomText.bytes(32));
    database.write(handle -> {
      database.afterCommit(this::reload);
      return handle
          .createUpdate(
              "INSERT INTO access_key (id, tenant, name, hash, created_at)"
                  + " VALUES (:id, :tenant, :name, :hash, :created)")
          .bind("id", key.id())
          .bind("tenant", tenant.value())
          .bind("name", name)
          .bind("hash", Sha256.of(secret))
          .bind("created", key.createdAt().toEpochMilli())
          .execute();
    });
    return new Created(key, secret);
  }

  @Override
  public List<Key> list() {
    return keys().values().stream()
        .map(Stored::key)
        .sorted(java.util.Comparator.comparing(Key::createdAt).thenComparing(Key::id))
        .toList();
  }

  @Override
  public boolean revoke(String id) {
    return database.write(handle -> {
      database.afterCommit(this::reload);
      return handle.createUpdate("DELETE FROM access_key WHERE id = :id").bind("id", id).execute();
    })
        > 0;
  }

  @Override
  public Optional<Key> verify(String secret) {
    if (secret.length() > MAX_LENGTH) {
      return Optional.empty();
    }
    var form = FORM.matcher(secret);
    Stored stored = form.matches() ? keys().getOrDefault(form.group(1), NOBODY) : NOBODY;
    boolean same = MessageDigest.isEqual(stored.hash, Sha256.of(secret));
    return same && stored != NOBODY ? Optional.of(stored.key()) : Optional.empty();
  }

  private Map<String, Stored> keys() {
    if (isOld()) {
      synchronized (this) {
        if (isOld()) {
          reload();
        }
      }
    }
    return read.keys();
  }

  private boolean isOld() {
    return nanos.getAsLong() - read.at() > FRESH_NANOS;
  }

  private synchronized void reload() {
    read = load();
  }

  private Read load() {
    long now = nanos.getAsLong();
    return new Read(database.read(StoredKeys::all), now);
  }

  private static Map<String, Stored> all(Handle handle) {
    return handle
        .createQuery("SELECT * FROM access_key")
        .map((row, _) ->
            new Stored(
                new Key(
                    row.getString("id"),
                    row.getString("name"),
                    new TenantId(row.getString("tenant")),
                    Instant.ofEpochMilli(row.getLong("created_at"))),
                row.getBytes("hash")))
        .stream()
        .collect(Collectors.toUnmodifiableMap(s -> s.key().id(), Function.identity()));
  }
}
