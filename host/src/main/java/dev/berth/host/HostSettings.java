package dev.berth.host;

import dev.berth.api.Version;
import java.nio.file.Path;

/**
 * How a host is set up by its operator.
 *
 * @param dataDir where everything it keeps is
 * @param python the interpreter that dependencies are locked for and process sandboxes run
 * @param maxUploadBytes largest archive taken
 * @param maxMemoryMb most memory a plugin may ask for
 * @param maxCpuShares greatest CPU weight a plugin may ask for
 * @param maxTimeoutSeconds longest call a plugin may ask for
 * @param maxResultBytes largest result of a call
 */
public record HostSettings(
    Path dataDir,
    Path python,
    long maxUploadBytes,
    int maxMemoryMb,
    int maxCpuShares,
    int maxTimeoutSeconds,
    int maxResultBytes) {
  /** This host's own version, which {@code min_host_version} is held against. */
  public static final Version VERSION = new Version("0.1.0");

  public static HostSettings defaults(Path dataDir, Path python) {
    return new HostSettings(dataDir, python, 50L << 20, 4096, 4096, 600, 1 << 20);
  }
}
