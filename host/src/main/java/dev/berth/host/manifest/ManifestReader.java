package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginManifest;
import dev.berth.api.ResourceLimits;
import dev.berth.api.Version;
import java.util.Collection;

/**
 * Reads plugin.yaml strictly: what it doesn't know it refuses, nothing is guessed or coerced, and
 * all that is wrong with a file is said at once.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class ManifestReader {
  /** What the manifest is called inside a package and in messages. */
  public static final String FILE_NAME = "plugin.yaml";

  /**
   * @param most the most that a plugin may ask for here
   * @param host the version of this host, which {@code min_host_version} is held against
   */
  public ManifestReader(ResourceLimits most, Version host) {}

  /** A reader for packages taken before: it holds nothing against this host's limits or version. */
  public ManifestReader forStored() {
    return this;
  }

  /**
   * @param yaml plugin.yaml as it is on disk
   * @throws PluginException {@code manifest_invalid}, {@code manifest_unknown_field} when nothing
   *     but unknown keys is wrong, {@code manifest_bad_entry} when nothing but {@code main} or
   *     {@code class} is, {@code host_version_unsupported} when nothing but {@code
   *     min_host_version} is. The message has a line for each problem; {@code
   *     details().get("problems")} is a list of maps with {@code file}, {@code line}, {@code
   *     column} (from 1) and {@code message}
   */
  public PluginManifest read(byte[] yaml) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, FILE_NAME + " can't be read yet.");
  }

  /**
   * The same, also checking that {@code main} is among {@code files}.
   *
   * @param files paths in the package, {@code /} between names
   */
  public PluginManifest read(byte[] yaml, Collection<String> files) {
    return read(yaml);
  }
}
