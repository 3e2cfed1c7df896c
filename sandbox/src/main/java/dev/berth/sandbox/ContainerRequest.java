package dev.berth.sandbox;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A container to be made, in Berth's words.
 *
 * @param image name or id
 * @param python the interpreter inside it
 * @param user {@code uid:gid}
 * @param memoryBytes memory, and swap within it
 * @param cpuShares weight
 * @param ceilings of its processes the container's init is left out; the size of /tmp is that of
 *     /dev/shm too
 * @param coreLimit RLIMIT_CORE
 * @param seccomp the profile, JSON
 * @param imageEnvironment names of the variables the image sets, which are to go
 * @param imageVolumes folders that the engine would make volumes for, which have no size; they are
 *     covered
 * @param binds what is shown inside
 * @param labels so that it is found again
 * @param runtime {@code runsc} or the like; empty for the engine's default
 * @param socketBytes what its TCP and UDP sockets may hold, where that is no part of the memory
 *     (control groups of version 1); 0 where it is
 */
record ContainerRequest(
    String image,
    String python,
    String user,
    long memoryBytes,
    int cpuShares,
    Ceilings ceilings,
    long coreLimit,
    String seccomp,
    List<String> imageEnvironment,
    List<String> imageVolumes,
    List<Bind> binds,
    Map<String, String> labels,
    String runtime,
    long socketBytes) {
  private static final int PERIOD_US = 100_000;
  private static final int MAX_SIGNALS = 1024;
  private static final int MEMORY_KILLER_SCORE = 500;

  /** A file or folder of the host's. */
  record Bind(String source, String target, boolean writable) {}

  /** Where something will be mounted later; covers what the image has there. */
  static final List<String> MOUNT_POINTS = List.of("/workspace", "/site", "/data", "/folders");

  private static final String COVER = "ro,nosuid,nodev,noexec,mode=755,size=4k";

  // The folder is put on the path by hand: with -I and -S Python takes none from its surroundings.
  private static final String START =
      "import sys; sys.path.insert(1, '/runtime'); from berth_runtime import container;"
          + " container.main()";

  /** The body of POST /containers/create. */
  Map<String, Object> body() {
    List<String> environment = new ArrayList<>();
    for (String name : imageEnvironment) {
      environment.add(name); // without a value: the engine takes the variable away
    }
    environment.add("PATH=" + python.substring(0, python.lastIndexOf('/')) + ":/usr/bin:/bin");
    environment.add("PYTHONPATH=/workspace:/site:/runtime");
    environment.add("HOME=/data");
    environment.add("TMPDIR=/tmp");
    environment.add("LANG=C.UTF-8");
    Map<String, Object> body = new LinkedHashMap<>();
    body.put("Image", image);
    body.put("Entrypoint", List.of(python, "-I", "-S", "-X", "utf8", "-c", START));
    body.put("Cmd", List.of());
    body.put("User", user);
    body.put("WorkingDir", "/");
    body.put("Hostname", "plugin");
    body.put("Env", environment);
    body.put("Labels", labels);
    body.put("NetworkDisabled", true);
    body.put("AttachStdout", false);
    body.put("AttachStderr", false);
    body.put("Healthcheck", Map.of("Test", List.of("NONE")));
    body.put("HostConfig", host());
    return body;
  }

  private Map<String, Object> host() {
    String scratch = "rw,nosuid,nodev,noexec,mode=1777,size=" + ceilings.tmpMb() + "m";
    Map<String, String> tmpfs = new LinkedHashMap<>();
    tmpfs.put("/tmp", scratch + ",nr_inodes=" + ceilings.tmpFiles());
    tmpfs.put("/dev/shm", scratch);
    List<Map<String, Object>> mounts = new ArrayList<>();
    for (Bind bind : binds) {
      mounts.add(
          Map.of(
              "Type", "bind",
              "Source", bind.source(),
              "Target", bind.target(),
              "ReadOnly", !bind.writable(),
              "BindOptions", Map.of("Propagation", "rprivate")));
    }
    Stream.concat(MOUNT_POINTS.stream(), imageVolumes.stream())
        .map(point -> Path.of(point).normalize().toString())
        .filter(point -> binds.stream().noneMatch(bind -> bind.target().equals(point)))
        .forEach(point -> tmpfs.putIfAbsent(point, COVER));
    Map<String, Object> host = new LinkedHashMap<>();
    host.put("ReadonlyRootfs", true);
    host.put("Init", true);
    host.put("NetworkMode", "none");
    host.put("IpcMode", "none");
    host.put("CgroupnsMode", "private");
    host.put("CapDrop", List.of("ALL"));
    host.put("SecurityOpt", List.of("no-new-privileges", "seccomp=" + seccomp));
    host.put("Memory", memoryBytes);
    host.put("MemorySwap", memoryBytes); // memory and swap together: equal means no swap
    host.put("CpuShares", cpuShares);
    host.put("CpuPeriod", PERIOD_US);
    host.put("CpuQuota", Math.max(1000, (long) (ceilings.cpus() * PERIOD_US)));
    host.put("PidsLimit", ceilings.pids() + 1);
    host.put("OomScoreAdj", MEMORY_KILLER_SCORE);
    host.put(
        "Ulimits",
        List.of(
            limit("nofile", ceilings.openFiles()),
            limit("core", coreLimit),
            limit("fsize", (long) ceilings.fileMb() << 20),
            limit("memlock", 65536),
            limit("msgqueue", 65536),
            limit("sigpending", MAX_SIGNALS)));
    host.put("LogConfig", Map.of("Type", "none"));
    host.put("Tmpfs", tmpfs);
    host.put("Mounts", mounts);
    host.put("RestartPolicy", Map.of("Name", "no"));
    if (!runtime.isEmpty()) {
      host.put("Runtime", runtime);
    }
    if (socketBytes > 0) {
      host.put("KernelMemoryTCP", socketBytes); // UDP's, too, whatever its name
    }
    return host;
  }

  private static Map<String, Object> limit(String name, long value) {
    return Map.of("Name", name, "Soft", value, "Hard", value);
  }
}
