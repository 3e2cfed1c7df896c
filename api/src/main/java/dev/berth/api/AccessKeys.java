package dev.berth.api;

import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** API keys: made once, shown once, kept as hashes. */
public interface AccessKeys {
  /**
   * A key without its secret.
   *
   * @param id public, e.g. for revoking
   */
  record Key(String id, String name, TenantId tenant, Instant createdAt) {}

  /**
   * A new key.
   *
   * @param secret what a client sends as {@code Authorization: Bearer}; not to be had again
   */
  record Created(Key key, String secret) {}

  Created create(TenantId tenant, String name);

  List<Key> list();

  /** Whether there was such a key. */
  boolean revoke(String id);

  /** The key that {@code secret} is, in the same time whether or not there is one. */
  Optional<Key> verify(String secret);
}
