package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.TenantId;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Keys in memory. */
final class FakeKeys implements AccessKeys {
  private final Map<String, Created> byId = new ConcurrentHashMap<>();
  volatile int asked;

  @Override
  public Created create(TenantId tenant, String name) {
    String id = "key_" + (byId.size() + 1);
    var created = new Created(new Key(id, name, tenant, FakePluginService.THEN), "secret-" + id);
    byId.put(id, created);
    return created;
  }

  @Override
  public List<Key> list() {
    return byId.values().stream().map(Created::key).toList();
  }

  @Override
  public boolean revoke(String id) {
    return byId.remove(id) != null;
  }

  @Override
  public synchronized Optional<Key> verify(String secret) {
    asked++;
    return byId.values().stream()
        .filter(created -> created.secret().equals(secret))
        .map(Created::key)
        .findFirst();
  }
}
