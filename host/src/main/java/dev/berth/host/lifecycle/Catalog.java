package dev.berth.host.lifecycle;

import dev.berth.host.install.PackageStore;
import dev.berth.host.install.StoredPackage;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The stored packages, each read from disk once. */
final class Catalog {
  private final PackageStore packages;
  private final ConcurrentHashMap<String, StoredPackage> known = new ConcurrentHashMap<>();

  Catalog(PackageStore packages) {
    this.packages = packages;
  }

  PackageStore packages() {
    return packages;
  }

  /**
   * @throws dev.berth.api.PluginException {@code store_corrupt}
   */
  StoredPackage get(String digest) {
    StoredPackage pack = known.get(digest);
    if (pack == null) {
      pack = packages.get(digest);
      known.put(digest, pack);
    }
    return pack;
  }

  /** Deletes every package but these. */
  void keepOnly(Set<String> digests) {
    for (String digest : packages.digests()) {
      if (!digests.contains(digest)) {
        known.remove(digest);
        packages.remove(digest);
      }
    }
  }
}
