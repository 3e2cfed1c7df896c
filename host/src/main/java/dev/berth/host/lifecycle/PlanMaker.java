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
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Puts together what a worker is started from. */
final class PlanMaker implements Engine.Plans {
  private final Paths paths;
  private final Store store;
  private final Catalog catalog;
  private final DependencyStore dependencies;
  private final String python;

  PlanMaker(
      Paths paths, Store store, Catalog catalog, DependencyStore dependencies, String python) {
    this.paths = paths;
    this.store = store;
    this.catalog = catalog;
    this.dependencies = dependencies;
    this.python = python;
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
    return new LaunchPlan(row, pack, site(row, pack), paths.volume(row.id()), config);
  }

  /** Its dependencies; they are fetched again where somebody deleted them. */
  private @Nullable Path site(PluginRow row, StoredPackage pack) {
    String lock = row.siteLock();
    if (lock == null) {
      return null;
    }
    Path site = dependencies.directory(lock);
    if (!Files.isDirectory(site)
        && !lock.equals(dependencies.prepare(pack.requirements(), InstallProgress.NONE))) {
      throw new PluginException(
          ErrorCode.STORE_CORRUPT,
          LaunchPlan.label(row)
              + ": its dependencies are not in "
              + site
              + " any more, and what they resolve to has changed. `berth update "
              + row.id()
              + " ARCHIVE` installs them anew.");
    }
    return site;
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
              + ". Start the host with such a Python (`berth serve --python PATH`).");
    }
  }
}
