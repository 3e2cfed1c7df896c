package dev.berth.sandbox;

import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A container, from its making to its removal; it waits at first, and is then a plugin's worker.
 */
final class DockerWorker implements SandboxProcess {
  private static final Logger log = LoggerFactory.getLogger(DockerWorker.class);
  private static final int SIGNALLED = 128;
  private static final int SIGKILL = 9;

  private final DockerEngine engine;
  private final String container;
  private final int user;
  private final Rendezvous.Guest guest;
  private final CompletableFuture<SandboxExit> exited = new CompletableFuture<>();
  private final CompletableFuture<Void> removed = new CompletableFuture<>();
  private final AtomicBoolean ending = new AtomicBoolean();
  private final Runnable left;
  private volatile Map<String, Path> cgroups = Map.of();
  private volatile ProcessHandle first = ProcessHandle.current();
  private volatile long pid;
  private volatile Allowance allowance;
  private volatile String name = "";
  private volatile boolean outOfMemory;
  private volatile @Nullable Path image;
  private volatile @Nullable MountHelper helper;

  /**
   * @param left called when the engine could not be told to remove it
   */
  DockerWorker(
      DockerEngine engine,
      String container,
      int user,
      Rendezvous.Guest guest,
      Allowance allowance,
      Runnable left) {
    this.left = left;
    this.engine = engine;
    this.container = container;
    this.user = user;
    this.guest = guest;
    this.allowance = allowance;
  }

  String container() {
    return container;
  }

  int user() {
    return user;
  }

  Rendezvous.Guest guest() {
    return guest;
  }

  Allowance allowance() {
    return allowance;
  }

  void allowance(Allowance given) {
    allowance = given;
  }

  /**
   * The engine has started it.
   *
   * @param init its first process, as the engine numbers it
   * @return false when that process of this machine is another: the engine is on another one
   */
  boolean started(long init) {
    ProcessHandle handle = ProcessHandle.of(init).orElse(null);
    try {
      if (!Files.readString(Path.of("/proc/" + init + "/cgroup")).contains(container)) {
        return false;
      }
    } catch (IOException e) {
      log.debug("Container {} has ended already", container); // the engine will say how
      return true;
    }
    if (handle != null) {
      pid = init;
      first = handle;
      cgroups = cgroups(init);
    }
    return true;
  }

  /** Whether it runs still, whatever the engine has said till now. */
  boolean isAlive() {
    return !ending.get() && pid > 0 && first.isAlive();
  }

  /** What the engine knows it by; empty while it waits for its plugin. */
  String name() {
    return name;
  }

  void name(String given) {
    name = given;
  }

  /** Completed when the engine has no such container any more. */
  CompletableFuture<Void> removed() {
    return removed;
  }

  /** The engine was told to remove it. */
  void tellRemoved(DockerEngine.Answer answer) {
    if (answer.ok() || answer.status() == 404) {
      removed.complete(null);
    } else {
      log.debug("Container {} is not removed yet: {}", container, answer.message());
      left.run();
    }
  }

  /** Controller to folder, by where the process says it is; see cgroups(7). */
  private static Map<String, Path> cgroups(long pid) {
    Map<String, Path> found = new HashMap<>();
    try {
      for (String line : Files.readAllLines(Path.of("/proc/" + pid + "/cgroup"))) {
        String[] fields = line.split(":", 3);
        if (fields[1].isEmpty()) {
          Path folder = Path.of("/sys/fs/cgroup" + fields[2]);
          if (Files.exists(folder.resolve("memory.current"))) {
            for (String controller : new String[] {"memory", "cpu", "pids"}) {
              found.putIfAbsent(controller, folder);
            }
          }
          continue;
        }
        for (String controller : fields[1].split(",", -1)) {
          Path folder = Path.of("/sys/fs/cgroup/" + fields[1] + fields[2]);
          if (Files.isDirectory(folder)) {
            found.put(controller, folder);
          }
        }
      }
    } catch (IOException e) {
      log.debug("The control groups of process {} are not known: {}", pid, e.toString());
    }
    return Map.copyOf(found);
  }

  /** It has this image mounted, until it ends. */
  void holds(Path mounted, MountHelper by) {
    image = mounted;
    helper = by;
    var _ = exited.whenComplete((_, _) -> by.release(mounted));
  }

  /** The engine says that its memory limit was met. */
  void metMemoryLimit() {
    outOfMemory = true;
  }

  /** Its processes are gone; tells, and removes it. Once, however often it is said. */
  void ended(int status) {
    if (!ending.compareAndSet(false, true)) {
      return;
    }
    Thread.ofVirtual()
        .name("berth-exit")
        .start(() -> {
          // One of its processes may have met the limit earlier, and it have lived on.
          if (status == SIGNALLED + SIGKILL && (outOfMemory || killedForMemory())) {
            exited.complete(new SandboxExit.OutOfMemory(allowance.memoryBytes()));
          } else if (status > SIGNALLED) {
            exited.complete(new SandboxExit.Killed(status - SIGNALLED));
          } else {
            exited.complete(new SandboxExit.Exited(status));
          }
          try {
            tellRemoved(engine.remove(container));
          } catch (PluginException e) {
            log.debug("Container {} is removed later: {}", container, e.getMessage());
            left.run();
          }
        });
  }

  private boolean killedForMemory() {
    try {
      return engine
          .get("/containers/" + container + "/json")
          .body()
          .path("State")
          .path("OOMKilled")
          .asBoolean(false);
    } catch (PluginException e) {
      return false;
    }
  }

  @Override
  public SocketChannel channel() {
    return guest.arrived().join().channel();
  }

  @Override
  public SocketChannel output() {
    return guest.arrived().join().output();
  }

  @Override
  public long pid() {
    return pid;
  }

  @Override
  public CompletableFuture<SandboxExit> exited() {
    return exited;
  }

  /** By the kernel where that can be, for the engine may stand still; and by the engine. */
  @Override
  public void kill() {
    if (exited.isDone()) {
      return;
    }
    ProcessHandle init = first;
    if (init.pid() == pid && init.pid() != ProcessHandle.current().pid()) {
      var _ = init.onExit().thenRun(() -> ended(SIGNALLED + SIGKILL));
      if (init.destroyForcibly()) {
        return;
      }
    }
    Thread.ofVirtual()
        .name("berth-docker-kill")
        .start(() -> {
          try {
            if (engine.post("/containers/" + container + "/kill", null).status() == 404) {
              ended(SIGNALLED + SIGKILL);
            }
          } catch (PluginException e) {
            log.debug("Container {} can't be killed now: {}", container, e.getMessage());
          }
        });
  }

  @Override
  public ResourceUsage usage() {
    if (exited.isDone()) {
      return ResourceUsage.NONE;
    }
    Path mounted = image;
    MountHelper by = helper;
    return CgroupUsage.read(cgroups).withDisk(mounted == null || by == null ? 0 : by.used(mounted));
  }

  @Override
  public long cpuNanos() {
    return exited.isDone() ? 0 : CgroupUsage.cpuNanos(cgroups);
  }
}
