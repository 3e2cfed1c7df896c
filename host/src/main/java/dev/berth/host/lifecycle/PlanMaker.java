package dev.berth.host.lifecycle;

import dev.berth.api.InstallProgress;
import dev.berth.api.Json;
import dev.berth.api.Permission;
import dev.berth.api.PluginException;
import dev.berth.host.install.DependencyStore;
import dev.berth.host.install.StoredPackage;
import dev.berth.host.manifest.SettingsRules;
import dev.berth.host.store.PluginRow;
import dev.berth.host.store.Store;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.SharedFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Puts together what a worker is started from. */
final class PlanMaker implements Engine.Plans {
  private static final Logger LOG = LoggerFactory.getLogger(PlanMaker.class);
  private final Paths paths;
  private final Store store;
  private final Catalog catalog;
  private final DependencyStore dependencies;
  private final Garbage garbage;
  private final Interpreters interpreters;
  private final long dataBytes;
  private final Map<String, List<SharedFolder>> shared;

  PlanMaker(
      Paths paths,
      Store store,
      Catalog catalog,
      DependencyStore dependencies,
      Garbage garbage,
      Interpreters interpreters,
      long dataBytes,
      Map<String, List<SharedFolder>> shared) {
    this.paths = paths;
    this.store = store;
    this.catalog = catalog;
    this.dependencies = dependencies;
    this.garbage = garbage;
    this.interpreters = interpreters;
    this.dataBytes = dataBytes;
    this.shared = shared;
  }

  @Override
  public LaunchPlan plan(PluginRow row, Launcher.Attempt under) {
    StoredPackage pack = catalog.get(row.packageDigest());
    return plan(row, pack, store.settings().read(row.tenant(), row.id()), under);
  }

  /**
   * @param overrides the operator's settings, which need not be stored yet
   */
  LaunchPlan plan(PluginRow row, StoredPackage pack, Json overrides, Launcher.Attempt under) {
    PythonInterpreter python =
        interpreters.isAtHand(pack)
            ? interpreters.of(pack, _ -> {})
            : under.fetching(() -> interpreters.of(pack, _ -> {}));
    Json config =
        SettingsRules.effective(pack.manifest().configSchema(), pack.defaults(), overrides);
    SettingsRules.checkComplete(row.id().value(), pack.manifest().configSchema(), config);
    PluginRow ready = withDependencies(row, pack, python, under);
    String lock = ready.siteLock();
    return new LaunchPlan(
        ready,
        pack,
        lock == null ? null : dependencies.directory(lock),
        paths.volume(row.id()),
        dataBytes,
        folders(row.name(), pack),
        config);
  }

  /** What the operator shows it, as far as its permissions reach. */
  private List<SharedFolder> folders(String name, StoredPackage pack) {
    Set<Permission> permissions = pack.manifest().permissions();
    boolean reads =
        permissions.contains(Permission.FILESYSTEM_READ)
            || permissions.contains(Permission.FILESYSTEM_WRITE);
    boolean writes = permissions.contains(Permission.FILESYSTEM_WRITE);
    List<SharedFolder> found = new ArrayList<>();
    for (SharedFolder folder : shared.getOrDefault(name, List.of())) {
      if (!reads) {
        LOG.warn(
            "{} is not shown {}: its plugin.yaml has neither filesystem_read nor filesystem_write"
                + " in permissions",
            name,
            folder.host());
      } else {
        if (folder.writable() && !writes) {
          LOG.warn(
              "{} sees {} read-only: its plugin.yaml has no filesystem_write in permissions",
              name,
              folder.host());
        }
        found.add(new SharedFolder(folder.host(), folder.name(), folder.writable() && writes));
      }
    }
    return found;
  }

  /** Fetches its dependencies again where they were deleted, or made for another Python. */
  private PluginRow withDependencies(
      PluginRow row, StoredPackage pack, PythonInterpreter python, Launcher.Attempt under) {
    String lock = row.siteLock();
    if (pack.requirements().isEmpty() || (lock != null && dependencies.isUsable(lock, python))) {
      return row;
    }
    garbage.hold();
    try {
      String fresh = under.fetching(() -> lockedAgain(row, pack, python));
      if (Objects.equals(lock, fresh)) {
        return row;
      }
      store
          .registry()
          .setPackage(row.tenant(), row.id(), row.version(), row.packageDigest(), fresh);
      garbage.left();
      return Rows.with(row, row.version(), row.packageDigest(), fresh, row.updatedAt());
    } finally {
      if (under.givenUp() != null) {
        garbage.left(); // It may have been there already.
      }
      garbage.release();
    }
  }

  private @Nullable String lockedAgain(
      PluginRow row, StoredPackage pack, PythonInterpreter python) {
    String lock = row.siteLock();
    String before = lock == null ? "" : dependencies.platform(lock).orElse("");
    try {
      LOG.info(
          "{}: its dependencies {}; they are locked again, for {}",
          LaunchPlan.label(row),
          before.isEmpty() ? "are gone" : "were locked for " + before,
          python.platform());
      return dependencies.prepare(pack.requirements(), python, InstallProgress.NONE);
    } catch (PluginException e) {
      throw new PluginException(
          e.code(),
          LaunchPlan.label(row)
              + " runs on "
              + python.platform()
              + " now, and its dependencies "
              + (before.isEmpty() ? "are gone" : "were locked for " + before)
              + ". "
              + e.getMessage()
              + (before.isEmpty()
                  ? ""
                  : " Or give the host the Python or the image that it had before."),
          e.details(),
          e);
    }
  }
}
