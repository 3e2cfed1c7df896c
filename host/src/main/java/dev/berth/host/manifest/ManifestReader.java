package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginManifest;
import dev.berth.api.ResourceLimits;
import dev.berth.api.Version;
import dev.berth.host.manifest.YamlNode.Mapping;
import java.util.Collection;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Reads plugin.yaml strictly: what it doesn't know it refuses, nothing is guessed or coerced, and
 * all that is wrong with a file is said at once.
 */
public final class ManifestReader {
  /** What the manifest is called inside a package and in messages. */
  public static final String FILE_NAME = "plugin.yaml";

  private final ResourceLimits most;
  private final @Nullable Version host;

  /**
   * @param most the most that a plugin may ask for here
   * @param host the version of this host, which {@code min_host_version} is held against
   */
  public ManifestReader(ResourceLimits most, Version host) {
    this(Objects.requireNonNull(host), most);
  }

  private ManifestReader(@Nullable Version host, ResourceLimits most) {
    this.most = most;
    this.host = host;
  }

  /**
   * A reader for packages taken before: the host's version is not held against them, and what they
   * ask for above the limits reads as the limit, for both may have changed since.
   */
  public ManifestReader forStored() {
    return new ManifestReader(null, most);
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
    return read(yaml, null);
  }

  /**
   * The same, also checking that {@code main} is among {@code files}.
   *
   * @param files paths in the package, {@code /} between names; null when they aren't known
   */
  public PluginManifest read(byte[] yaml, @Nullable Collection<String> files) {
    var problems = new Problems(FILE_NAME, ErrorCode.MANIFEST_INVALID);
    YamlNode root = StrictYaml.read(yaml, problems);
    if (!(root instanceof Mapping mapping)) {
      if (problems.isEmpty()) {
        problems.add(
            Place.START,
            root == null
                ? "the file is empty; it needs at least name, version and class"
                : "expected keys and values such as `name: my-plugin`, got " + root.describe());
      }
      problems.throwIfAny();
      throw new IllegalStateException();
    }
    PluginManifest manifest = new ManifestPass(mapping, most, host, files, problems).manifest();
    problems.throwIfAny();
    return manifest;
  }
}
