package dev.berth.cli;

import dev.berth.cli.LocalOperations.ServeOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Option;

/** How plugins are to be hosted here. */
final class HostingOptions {
  /** What {@code --sandbox} takes. */
  enum Sandbox {
    auto,
    process,
    docker
  }

  /** What {@code --process-mode} takes. */
  enum ProcessMode {
    zygote,
    exec
  }

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "The port to listen on, 0 for any free one; ${DEFAULT-VALUE} unless told.")
  int port = 8000;

  @Option(
      names = "--sandbox",
      paramLabel = "KIND",
      description = "What plugins run in: ${COMPLETION-CANDIDATES}; ${DEFAULT-VALUE} unless told.")
  Sandbox sandbox = Sandbox.auto;

  @Option(
      names = "--allow-weak-isolation",
      description = "Run plugins although this machine can't give every protection.")
  boolean allowWeakIsolation;

  @Option(
      names = "--process-mode",
      paramLabel = "MODE",
      description = {
        "How the process sandbox makes workers: zygote forks them from a warm Python, exec gives each",
        "a fresh Python, which is larger and shares no memory layout with the others."
      })
  ProcessMode processMode = ProcessMode.zygote;

  @Option(
      names = "--docker-image",
      paramLabel = "NAME",
      description = {
        "The image of containers; a Python of 3.9 or later must be in it. python:3.11-slim unless",
        "told."
      })
  String dockerImage = "";

  @Option(
      names = "--docker-runtime",
      paramLabel = "NAME",
      description = {
        "The engine's runtime for containers, e.g. runc or runsc. Unless told it is runsc (gVisor) if",
        "the engine has it and it can be used, else the engine's default."
      })
  String dockerRuntime = "";

  @Option(
      names = "--docker-plugin-images",
      description = {
        "Let a plugin run in the image that its plugin.yaml names, or that the Dockerfile in its",
        "package describes: the engine then pulls what plugins name and runs what they build."
      })
  boolean dockerPluginImages;

  @Option(
      names = "--egress-allow",
      paramLabel = "HOST:PORT",
      description = {
        "Let plugins with network_access reach this place though its address is not public.",
        "Repeatable."
      })
  List<String> egressAllow = new ArrayList<>();

  @Option(
      names = "--egress-only",
      paramLabel = "PLACE",
      description = {
        "Let plugins reach this host, host:port or *.domain and no other public place. Repeatable."
      })
  List<String> egressOnly = new ArrayList<>();

  @Option(
      names = "--egress-size",
      paramLabel = "MIB",
      description = {
        "MiB that may pass between one plugin and the network within an hour; ${DEFAULT-VALUE}",
        "unless told."
      })
  int egressMb = Hosting.DEFAULT.egress().hourlyMb();

  @Option(
      names = "--folder",
      paramLabel = "PLUGIN=DIR[:rw]",
      description = {
        "Show a folder of this machine to a plugin that has filesystem_read, at /folders/NAME;",
        "with :rw and filesystem_write, to change too. Repeatable."
      })
  List<String> folders = new ArrayList<>();

  @Option(
      names = "--max-memory",
      paramLabel = "MIB",
      description = "Most memory a plugin may ask for, in MiB; ${DEFAULT-VALUE} unless told.")
  int maxMemoryMb = Hosting.DEFAULT.maxima().memoryMb();

  @Option(
      names = "--max-cpu-shares",
      paramLabel = "N",
      description = "Greatest CPU weight a plugin may ask for; ${DEFAULT-VALUE} unless told.")
  int maxCpuShares = Hosting.DEFAULT.maxima().cpuShares();

  @Option(
      names = "--max-timeout",
      paramLabel = "SECONDS",
      description = "Longest call a plugin may ask for; ${DEFAULT-VALUE} s unless told.")
  int maxTimeoutSeconds = Hosting.DEFAULT.maxima().timeoutSeconds();

  @Option(
      names = "--max-cpus",
      paramLabel = "N",
      description = "CPUs' worth of time a plugin gets at most; ${DEFAULT-VALUE} unless told.")
  double maxCpus = Hosting.DEFAULT.maxima().cpus();

  @Option(
      names = "--max-pids",
      paramLabel = "N",
      description = "Processes and threads of one plugin; ${DEFAULT-VALUE} unless told.")
  int maxPids = Hosting.DEFAULT.maxima().pids();

  @Option(
      names = "--data-size",
      paramLabel = "MIB",
      description = "Size of a plugin's /data in MiB; ${DEFAULT-VALUE} unless told.")
  int dataMb = Hosting.DEFAULT.maxima().dataMb();

  ServeOptions options(String host, Path data) {
    if (port < 0 || port > 65535) {
      throw ExitCode.usage("--port wants a number from 0 to 65535.");
    }
    return new ServeOptions(
        host,
        port,
        data,
        new Hosting(
            new Hosting.Isolation(
                sandbox.name(),
                allowWeakIsolation,
                processMode.name(),
                dockerImage,
                dockerRuntime,
                dockerPluginImages),
            new Hosting.Maxima(
                within("--max-memory", maxMemoryMb, 16, 1 << 20),
                within("--max-cpu-shares", maxCpuShares, 2, 262_144),
                within("--max-timeout", maxTimeoutSeconds, 1, 86_400),
                cpus(),
                within("--max-pids", maxPids, 8, 32_768),
                within("--data-size", dataMb, 8, 1 << 20)),
            new Hosting.Egress(
                egressAllow, egressOnly, within("--egress-size", egressMb, 1, 1 << 30)),
            folders));
  }

  private static int within(String option, int value, int least, int most) {
    if (value < least || value > most) {
      throw ExitCode.usage(
          option + " wants a number from " + least + " to " + most + ", not " + value + ".");
    }
    return value;
  }

  private double cpus() {
    if (!(maxCpus >= 0.01 && maxCpus <= 1024)) {
      throw ExitCode.usage("--max-cpus wants a number from 0.01 to 1024, not " + maxCpus + ".");
    }
    return maxCpus;
  }
}
