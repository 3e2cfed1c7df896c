package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.host.install.DependencyStore;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.PythonVersions;
import dev.berth.host.manifest.SettingsRules;
import dev.berth.host.store.PluginRow;
import dev.berth.host.store.Store;

/** Puts together what a worker is started from. */
final class PlanMaker implements Engine.Plans {
  private final Paths paths;
  private final Store store;
  private final Catalog catalog;
  private final DependencyStore dependencies;
  private final Garbage garbage;
  private final String python;
  private final long dataBytes;

  PlanMaker(
      Paths paths,
      Store store,
      Catalog catalog,
      DependencyStore dependencies,
      Garbage garbage,
      String python,
      long dataBytes) {
    this.paths = paths;
    this.store = store;
    this.catalog = catalog;
    this.dependencies = dependencies;
    this.garbage = garbage;
    this.python = python;
    this.dataBytes = dataBytes;
  }

  @Override
  public LaunchPlan plan(PluginRow row) {
    StoredPackage pack = catalog.get(row.packageDigest());
    return plan(row, pack, store.settings().read(row.tenant(), row.id()));
  }

  /**
   * @param overrides the operator's settings, which need not be stored yet
   */
  LaunchPlan plan(PluginRow row, StoredPackage pack, Json overrides) {
    checkPython(pack, python);
    Json config =
        SettingsRules.effective(pack.manifest().configSchema(), pack.defaults(), overrides);
    SettingsRules.checkComplete(row.id().value(), pack.manifest().configSchema(), config);
    PluginRow ready = withDependencies(row, pack);
    String lock = ready.siteLock();
    return new LaunchPlan(
        ready,
        pack,
        lock == null ? null : dependencies.directory(lock),
        paths.volume(row.id()),
        dataBytes,
        config);
  }

  /** Fetches its dependencies again where they were deleted, or made for another Python. */
  private PluginRow withDependencies(PluginRow row, StoredPackage pack) {
    String lock = row.siteLock();
    if (lock == null || dependencies.isUsable(lock)) {
      return row;
    }
    garbage.hold();
    try {
      String fresh = dependencies.prepare(pack.requirements(), InstallProgress.NONE);
      if (lock.equals(fresh)) {
        return row;
      }
      store
          .registry()
          .setPackage(row.tenant(), row.id(), row.version(), row.packageDigest(), fresh);
      garbage.left();
      return Rows.with(row, row.version(), row.packageDigest(), fresh, row.updatedAt());
    } finally {
      garbage.release();
    }
  }

  /**
   * @throws PluginException {@code python_version_unsupported}
   */
  static void checkPython(StoredPackage pack, String python) {
    String wanted = pack.manifest().pythonRequires();
    if (!PythonVersions.satisfies(wanted, python)) {
      throw new PluginException(
          ErrorCode.PYTHON_VERSION_UNSUPPORTED,
          pack.manifest().name()
              + " needs Python "
              + wanted
              + ", and this host runs plugins on "
              + python
              + ". Put such a Python first on the host's PATH and start it again, or ask the author for"
              + " a version that runs on yours.");
    }
  }
}
