package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.host.install.DependencyStore;
import dev.berth.host.store.Store;
import dev.berth.sandbox.Sandbox;
import java.util.Set;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes packages, what a sandbox made of them, and folders of dependencies that no plugin needs
 * any more. An install has both on disk before the registry knows of them, so nothing is deleted
 * while an operation is under way: the last one to end sweeps.
 */
final class Garbage {
  private static final Logger LOG = LoggerFactory.getLogger(Garbage.class);

  private final Store store;
  private final Catalog catalog;
  private final DependencyStore dependencies;
  private final Sandbox sandbox;
  private int operations;
  private boolean left;

  Garbage(Store store, Catalog catalog, DependencyStore dependencies, Sandbox sandbox) {
    this.store = store;
    this.catalog = catalog;
    this.dependencies = dependencies;
    this.sandbox = sandbox;
  }

  /** An operation begins that may use what no plugin needs yet. */
  synchronized void hold() {
    operations++;
  }

  /** It may have left something behind. */
  synchronized void left() {
    left = true;
  }

  /** It has ended. */
  synchronized void release() {
    operations--;
    if (operations == 0 && left) {
      left = false;
      try {
        sweep();
      } catch (PluginException e) {
        left = true; // It is tried again after the next operation, and at the next start.
        LOG.warn("What no plugin needs any more could not be deleted: {}", e.getMessage());
      }
    }
  }

  /**
   * Deletes it all now; only when no operation is under way. What the sandbox keeps may be left.
   */
  synchronized void sweep() {
    Set<String> digests = store.registry().digestsInUse();
    catalog.keepOnly(digests);
    Set<String> locks = store.registry().locksInUse();
    for (String lock : dependencies.locks()) {
      if (!locks.contains(lock)) {
        dependencies.remove(lock);
      }
    }
    try {
      sandbox.keepOnly(
          digests.stream().map(catalog.packages()::directory).collect(Collectors.toSet()));
    } catch (PluginException e) {
      left = true; // No reason for a host not to start; it is tried again likewise.
      LOG.warn("What was made for packages that are gone could not be deleted: {}", e.getMessage());
    }
  }
}
