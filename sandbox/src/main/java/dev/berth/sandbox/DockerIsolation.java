package dev.berth.sandbox;

import dev.berth.api.Isolation;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** What an engine's containers are kept apart by, from what the engine says of itself. */
final class DockerIsolation {
  private DockerIsolation() {}

  /**
   * What was found out about an engine and this host.
   *
   * @param info the engine's answer to GET /info
   * @param runtime the runtime in use
   * @param noUids why containers have no uids of their own; empty when they have
   * @param noPool why no container waits for its plugin; empty when some do
   * @param noVolumes why /data has no size limit; empty when it has
   * @param noRates why nothing bounds how fast it is written; empty when something does
   * @param noViews why the package is shown as it is, and can be locked and synced; empty when it
   *     isn't
   * @param noLandlock why workers have no Landlock; empty when they have. Below an isolating
   *     runtime they have another kernel than this host's, which stands in for it
   */
  record Found(
      JsonNode info,
      EngineRuntime runtime,
      String noUids,
      String noPool,
      String noVolumes,
      String noRates,
      String noViews,
      String noLandlock) {
    /**
     * What there is with the engine's own runtime.
     *
     * @param noAttacher why there is no attacher
     */
    static Found of(
        JsonNode info, @Nullable Attacher attacher, String noAttacher, String noLandlock) {
      return of(info, EngineRuntime.DEFAULT, attacher, noAttacher, noLandlock);
    }

    static Found of(
        JsonNode info,
        EngineRuntime runtime,
        @Nullable Attacher attacher,
        String noAttacher,
        String noLandlock) {
      String late = runtime.isolating() ? "what is mounted later is not seen below gVisor" : "";
      return new Found(
          info,
          runtime,
          HostUser.isRoot() ? "" : noAttacher,
          attacher == null ? noAttacher : late,
          attacher == null ? noAttacher : attacher.noVolumes(),
          attacher == null ? noAttacher : attacher.noRates(),
          attacher == null ? noAttacher : attacher.noViews(),
          noLandlock);
    }
  }

  static Isolation of(Found found) {
    JsonNode info = found.info();
    List<String> enforced =
        new ArrayList<>(
            List.of(
                "mount_namespace",
                "pid_namespace",
                "network_none",
                "ipc_namespace",
                "uts_namespace",
                "cgroup_namespace",
                "private_root",
                "no_capabilities",
                "no_new_privileges",
                "empty_environment",
                "open_files_limit",
                "no_core_dumps",
                "no_supplementary_groups",
                "own_address_layout"));
    List<Isolation.Missing> missing = new ArrayList<>();
    var gaps = new Gaps(enforced, missing);
    gaps.need(info, "MemoryLimit", "memory_limit");
    gaps.need(info, "SwapLimit", "swap_limit");
    gaps.need(info, "PidsLimit", "process_limit");
    gaps.need(info, "CpuCfsQuota", "cpu_limit");
    if (!countsSocketsApart(info)) {
      enforced.add("socket_memory_limit");
    } else {
      gaps.need(info, "KernelMemoryTCP", "socket_memory_limit");
    }
    boolean seccomp =
        info.path("SecurityOptions").valueStream().anyMatch(o -> o.asString().contains("seccomp"));
    gaps.add(
        "seccomp",
        seccomp ? "" : "the engine was built or started without it",
        "Use an engine that has it.");
    gaps.add(
        "uid_per_plugin",
        found.noUids(),
        "Run Berth as root beside the engine, on Linux 5.12 or later.");
    if (found.runtime().isolating()) {
      enforced.add("kernel_of_its_own");
    } else { // the worker applies it itself
      gaps.add(
          "landlock",
          found.noLandlock(),
          "Use Linux 5.13 or later with Landlock among its security modules (lsm=landlock,...).");
    }
    String noSize = found.noVolumes();
    gaps.add(
        "data_size_limit",
        noSize.isEmpty()
            ? ""
            : "no quota is kept on /data (" + noSize + "); single files end at 1 GiB",
        "Run Berth as root beside the engine, with mkfs.ext4 (Debian: e2fsprogs).");
    gaps.add(
        "data_rate_limit", found.noRates(), "Run Berth as root of the host, beside the engine.");
    gaps.add(
        "private_file_views",
        found.noViews(),
        "Run Berth as root beside the engine, on Linux 5.2 or later with overlayfs.");
    gaps.add(
        "connection_limit",
        found.runtime().isolating() ? "" : found.noPool(), // gVisor's network is its own memory
        "Run Berth as root beside the engine.");
    return new Isolation("docker", enforced, missing, findings(found));
  }

  private record Gaps(List<String> enforced, List<Isolation.Missing> missing) {
    /**
     * @param why empty when the protection is in force
     */
    void add(String protection, String why, String remedy) {
      if (why.isEmpty()) {
        enforced.add(protection);
      } else {
        missing.add(new Isolation.Missing(protection, why, remedy));
      }
    }

    /**
     * @param key what the engine says of it in GET /info
     */
    void need(JsonNode info, String key, String protection) {
      add(
          protection,
          info.path(key).asBoolean(false)
              ? ""
              : "the engine says that its kernel or set-up has no " + key,
          "See `docker info`; on Debian boot with cgroup_enable=memory swapaccount=1.");
    }
  }

  /** Whether what sockets hold is no part of a container's memory, as in version 1. */
  static boolean countsSocketsApart(JsonNode info) {
    return !info.path("CgroupVersion").asString("1").equals("2");
  }

  private static List<Isolation.Finding> findings(Found found) {
    List<Isolation.Finding> findings = new ArrayList<>();
    if (!found.noPool().isEmpty()) {
      findings.add(
          new Isolation.Finding(
              "docker_pool",
              false,
              "no container waits for its plugin (" + found.noPool() + "), so starts take longer",
              found.runtime().isolating()
                  ? ""
                  : "Run Berth as root beside the engine, on Linux 5.12 or later."));
    }
    if (found.runtime().isolating()) {
      findings.add(
          new Isolation.Finding(
              "landlock",
              false,
              "workers below "
                  + found.runtime().name()
                  + " have no Landlock of this host's and can run what they have written; a kernel"
                  + " of their own stands in for it",
              ""));
    }
    if (!found.runtime().unused().isEmpty()) {
      findings.add(
          new Isolation.Finding(
              "docker_runsc",
              false,
              "the engine has runsc, which is not used: " + found.runtime().unused(),
              "Let its containers connect to the host's sockets (runsc --host-uds=open)."));
    }
    return findings;
  }

  /** The RLIMIT_CORE that yields no core dump: a handler in core_pattern is run with any but 1. */
  static long coreLimit() {
    try {
      String pattern =
          Files.readString(Path.of("/proc/sys/kernel/core_pattern"), StandardCharsets.ISO_8859_1);
      return pattern.startsWith("|") ? 1 : 0;
    } catch (IOException e) {
      return 1;
    }
  }
}
