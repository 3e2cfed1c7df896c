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
 * @param maxUploadBytes largest archive taken
 * @param maximum the most that a plugin may ask for
 * @param maxResultBytes largest result of a call
 * @param dataBytes how much a plugin's {@code /data} holds
 * @param egressAllow places plugins may reach though their addresses are not public, each {@code
 *     host:port}
 * @param egressOnly the only places plugins may reach, each {@code host}, {@code host:port} or
 *     {@code *.domain}; empty for any public one
 * @param egressBytes how much may pass between one plugin and the network within an hour
 * @param folders plugin name to the host's folders it may see, once it has the permission
 */
public record HostSettings(
    Path dataDir,
    Path python,
    long maxUploadBytes,
    ResourceLimits maximum,
    int maxResultBytes,
    long dataBytes,
    List<String> egressAllow,
    List<String> egressOnly,
    long egressBytes,
    Map<String, List<SharedFolder>> folders) {
  /** This host's own version, which {@code min_host_version} is held against. */
  public static final Version VERSION = new Version("0.1.0");

  public HostSettings {
    egressAllow = List.copyOf(egressAllow);
    egressOnly = List.copyOf(egressOnly);
    folders = Map.copyOf(folders);
    // Said here, before anything is opened; read where they are used.
    var _ = EgressOptions.allow(egressAllow);
    var _ = EgressOptions.only(egressOnly);
  }

  public static HostSettings defaults(Path dataDir, Path python) {
    return new HostSettings(
        dataDir,
        python,
        50L << 20,
        new ResourceLimits(4096, 4096, 600),
        1 << 20,
        SandboxSpec.DATA_BYTES,
        List.of(),
        List.of(),
        10L << 30,
        Map.of());
  }

  public HostSettings withMaximum(ResourceLimits most) {
    return new HostSettings(
        dataDir,
        python,
        maxUploadBytes,
        most,
        maxResultBytes,
        dataBytes,
        egressAllow,
        egressOnly,
        egressBytes,
        folders);
  }

  public HostSettings withDataBytes(long bytes) {
    return new HostSettings(
        dataDir,
        python,
        maxUploadBytes,
        maximum,
        maxResultBytes,
        bytes,
        egressAllow,
        egressOnly,
        egressBytes,
        folders);
  }

  public HostSettings withEgress(List<String> allow, List<String> only) {
    return new HostSettings(
        dataDir,
        python,
        maxUploadBytes,
        maximum,
        maxResultBytes,
        dataBytes,
        allow,
        only,
        egressBytes,
        folders);
  }

  public HostSettings withEgressBytes(long bytes) {
    return new HostSettings(
        dataDir,
        python,
        maxUploadBytes,
        maximum,
        maxResultBytes,
        dataBytes,
        egressAllow,
        egressOnly,
        bytes,
        folders);
  }

  public HostSettings withFolders(Map<String, List<SharedFolder>> shared) {
    return new HostSettings(
        dataDir,
        python,
        maxUploadBytes,
        maximum,
        maxResultBytes,
        dataBytes,
        egressAllow,
        egressOnly,
        egressBytes,
        shared);
  }
}
