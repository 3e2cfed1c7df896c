package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallSource;
import dev.berth.api.PluginException;
import dev.berth.host.manifest.ManifestReader;
import java.nio.file.Path;
import java.util.Set;

/**
 * The packages of a host: {@code packages/sha256-...} below its data folder, each an unpacked
 * archive, read-only and named by what is in it.
 *
 * <p>One store to a data folder. It doesn't know which packages are in use; its caller does.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class PackageStore {
  /**
   * @param dataDir the host's data folder; {@code packages} is made in it
   * @throws PluginException {@code internal}, {@code disk_full}
   */
  public PackageStore(Path dataDir, ArchiveLimits limits, ManifestReader manifests) {}

  /**
   * Checks an archive and unpacks it. One that is there already is given again. A refused archive
   * leaves nothing behind.
   *
   * @throws PluginException {@code archive_*}, {@code manifest_*}, {@code config_invalid}, {@code
   *     dependency_invalid} (requirements.txt), {@code host_version_unsupported}, {@code not_found}
   *     when there is no such file, {@code disk_full}
   */
  public StoredPackage add(InstallSource.Archive source) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Archives can't be read yet.");
  }

  /**
   * A package that was added before. Its files are not read through; {@link #verify} does that.
   *
   * @throws PluginException {@code store_corrupt} when it isn't there or can't be read
   */
  public StoredPackage get(String digest) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Packages can't be read yet.");
  }

  /**
   * Reads every file of a package and compares with its name.
   *
   * @throws PluginException {@code store_corrupt} when a file was changed, added or removed
   */
  public void verify(String digest) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Packages can't be read yet.");
  }

  /** Deletes a package; nothing happens when it isn't there. */
  public void remove(String digest) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Packages can't be removed yet.");
  }

  /** The digests of all packages here. */
  public Set<String> digests() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Packages can't be listed yet.");
  }

  /**
   * Removes what an add or remove left half done when the host died. For the start, before any add.
   */
  public void sweep() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Packages can't be swept yet.");
  }
}
