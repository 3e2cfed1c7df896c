package dev.berth.host;

import dev.berth.api.ResourceLimits;
import dev.berth.api.Version;
import dev.berth.host.egress.EgressOptions;
import dev.berth.sandbox.SandboxSpec;
import dev.berth.sandbox.SharedFolder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * How a host is set up by its operator.
 *
 * @param dataDir where everything it keeps is
 * @param python the interpreter that dependencies are locked for and process sandboxes run
 * @param folders plugin name to the host's folders it may see, once it has the permission
 */
public record HostSettings(
    Path dataDir,
    Path python,
    Limits limits,
    Egress egress,
    Map<String, List<SharedFolder>> folders) {
  /** This host's own version, which {@code min_host_version} is held against. */
  public static final Version VERSION = new Version("0.1.0");

  public HostSettings {
    folders = Map.copyOf(folders);
  }

  /**
   * How large things may be.
   *
   * @param uploadBytes an archive
   * @param maximum the most that a plugin may ask for
   * @param resultBytes a call's result
   * @param dataBytes how much a plugin's {@code /data} holds
   */
  public record Limits(long uploadBytes, ResourceLimits maximum, int resultBytes, long dataBytes) {
    public static final Limits DEFAULT =
        new Limits(50L << 20, ResourceLimits.MAXIMUM, 1 << 20, SandboxSpec.DATA_BYTES);

    public Limits withMaximum(ResourceLimits most) {
      return new Limits(uploadBytes, most, resultBytes, dataBytes);
    }

    public Limits withDataBytes(long bytes) {
      return new Limits(uploadBytes, maximum, resultBytes, bytes);
    }
  }

  /**
   * Where plugins with {@code network_access} get to.
   *
   * @param allow places they may reach though their addresses are not public, each {@code
   *     host:port}
   * @param only the only places they may reach, each {@code host}, {@code host:port} or {@code
   *     *.domain}; empty for any public one
   * @param hourlyBytes how much may pass between one plugin and the network within an hour
   */
  public record Egress(List<String> allow, List<String> only, long hourlyBytes) {
    public static final Egress DEFAULT = new Egress(List.of(), List.of(), 10L << 30);

    public Egress {
      allow = List.copyOf(allow);
      only = List.copyOf(only);
      // Said here, before anything is opened; read where they are used.
      var _ = EgressOptions.allow(allow);
      var _ = EgressOptions.only(only);
    }
  }

  public static HostSettings defaults(Path dataDir, Path python) {
    return new HostSettings(dataDir, python, Limits.DEFAULT, Egress.DEFAULT, Map.of());
  }

  public HostSettings withLimits(Limits other) {
    return new HostSettings(dataDir, python, other, egress, folders);
  }

  public HostSettings withEgress(Egress other) {
    return new HostSettings(dataDir, python, limits, other, folders);
  }

  public HostSettings withFolders(Map<String, List<SharedFolder>> shared) {
    return new HostSettings(dataDir, python, limits, egress, shared);
  }
}
