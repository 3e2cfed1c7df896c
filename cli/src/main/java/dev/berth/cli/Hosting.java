package dev.berth.cli;

import java.util.List;

/**
 * How plugins are hosted, in the operator's words; what they mean is checked by who uses them.
 *
 * @param sandbox {@code auto}, {@code process} or {@code docker}
 * @param allowWeakIsolation run plugins although protections are missing here
 * @param processMode {@code zygote} or {@code exec}: how the process sandbox makes workers
 * @param dockerImage the image of containers whose plugin names none; empty for the default
 * @param dockerPluginImages whether a plugin may name an image of its own
 * @param egressAllow places plugins may reach though their addresses are not public, each {@code
 *     host:port}
 * @param egressOnly the only places plugins may reach, each {@code host}, {@code host:port} or
 *     {@code *.domain}; empty for any public one
 * @param folders host folders plugins may see, each {@code PLUGIN=DIR[:rw]}
 * @param maxMemoryMb most memory a plugin may ask for, in MiB
 * @param maxCpuShares greatest CPU weight a plugin may ask for
 * @param maxTimeoutSeconds longest call a plugin may ask for
 * @param maxCpus CPUs' worth of time a plugin gets at most
 * @param maxPids processes and threads of one plugin
 * @param dataMb size of a plugin's {@code /data} in MiB
 * @param egressMb MiB that may pass between one plugin and the network within an hour
 */
public record Hosting(
    String sandbox,
    boolean allowWeakIsolation,
    String processMode,
    String dockerImage,
    boolean dockerPluginImages,
    List<String> egressAllow,
    List<String> egressOnly,
    List<String> folders,
    int maxMemoryMb,
    int maxCpuShares,
    int maxTimeoutSeconds,
    double maxCpus,
    int maxPids,
    int dataMb,
    int egressMb) {
  /** What holds when the operator says nothing. */
  public static final Hosting DEFAULT =
      new Hosting(
          "auto", false, "zygote", "", false, List.of(), List.of(), List.of(), 4096, 4096, 600, 1.0,
          128, 256, 10_240);

  public Hosting {
    egressAllow = List.copyOf(egressAllow);
    egressOnly = List.copyOf(egressOnly);
    folders = List.copyOf(folders);
  }

  public Hosting withSandbox(String kind) {
    return new Hosting(
        kind,
        allowWeakIsolation,
        processMode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withAllowWeakIsolation(boolean allowed) {
    return new Hosting(
        sandbox,
        allowed,
        processMode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withProcessMode(String mode) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        mode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withDockerImage(String image) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        image,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withDockerPluginImages(boolean allowed) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        dockerImage,
        allowed,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withEgress(List<String> allow, List<String> only) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        dockerImage,
        dockerPluginImages,
        allow,
        only,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withFolders(List<String> shared) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        shared,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withMaxima(int memoryMb, int cpuShares, int timeoutSeconds) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        memoryMb,
        cpuShares,
        timeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        egressMb);
  }

  public Hosting withDataMb(int mb) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        mb,
        egressMb);
  }

  public Hosting withEgressMb(int mb) {
    return new Hosting(
        sandbox,
        allowWeakIsolation,
        processMode,
        dockerImage,
        dockerPluginImages,
        egressAllow,
        egressOnly,
        folders,
        maxMemoryMb,
        maxCpuShares,
        maxTimeoutSeconds,
        maxCpus,
        maxPids,
        dataMb,
        mb);
  }
}
