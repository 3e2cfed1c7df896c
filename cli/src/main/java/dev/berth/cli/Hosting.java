package dev.berth.cli;

import dev.berth.api.ResourceLimits;
import java.util.List;

/**
 * How plugins are hosted, in the operator's words; what they mean is checked by who uses them.
 *
 * @param folders host folders plugins may see, each {@code PLUGIN=DIR[:rw]}
 */
public record Hosting(Isolation isolation, Maxima maxima, Egress egress, List<String> folders) {
  /** What holds when the operator says nothing. */
  public static final Hosting DEFAULT =
      new Hosting(
          new Isolation("auto", false, "zygote", "", "", false),
          Maxima.of(ResourceLimits.MAXIMUM, 1.0, 128, 256),
          new Egress(List.of(), List.of(), 10_240),
          List.of());

  public Hosting {
    folders = List.copyOf(folders);
  }

  /**
   * What keeps plugins in.
   *
   * @param sandbox {@code auto}, {@code process} or {@code docker}
   * @param allowWeak run plugins although protections are missing here
   * @param processMode {@code zygote} or {@code exec}: how the process sandbox makes workers
   * @param dockerImage the image of containers whose plugin names none; empty for the default
   * @param dockerRuntime the engine's runtime for containers; empty for runsc where it can be used
   * @param dockerPluginImages whether a plugin may name an image of its own
   */
  public record Isolation(
      String sandbox,
      boolean allowWeak,
      String processMode,
      String dockerImage,
      String dockerRuntime,
      boolean dockerPluginImages) {}

  /**
   * The most that one plugin may ask for or gets.
   *
   * @param memoryMb memory in MiB
   * @param cpuShares weight against other plugins
   * @param timeoutSeconds longest call
   * @param cpus CPUs' worth of time
   * @param pids processes and threads
   * @param dataMb size of its {@code /data} in MiB
   */
  public record Maxima(
      int memoryMb, int cpuShares, int timeoutSeconds, double cpus, int pids, int dataMb) {
    static Maxima of(ResourceLimits most, double cpus, int pids, int dataMb) {
      return new Maxima(
          most.memoryMb(), most.cpuShares(), most.timeoutSeconds(), cpus, pids, dataMb);
    }
  }

  /**
   * Where plugins with {@code network_access} get to.
   *
   * @param allow places they may reach though their addresses are not public, each {@code
   *     host:port}
   * @param only the only places they may reach, each {@code host}, {@code host:port} or {@code
   *     *.domain}; empty for any public one
   * @param hourlyMb MiB that may pass between one plugin and the network within an hour
   */
  public record Egress(List<String> allow, List<String> only, int hourlyMb) {
    public Egress {
      allow = List.copyOf(allow);
      only = List.copyOf(only);
    }
  }

  public Hosting withIsolation(Isolation other) {
    return new Hosting(other, maxima, egress, folders);
  }

  public Hosting withMaxima(Maxima other) {
    return new Hosting(isolation, other, egress, folders);
  }

  public Hosting withEgress(Egress other) {
    return new Hosting(isolation, maxima, other, folders);
  }

  public Hosting withFolders(List<String> shared) {
    return new Hosting(isolation, maxima, egress, shared);
  }
}
