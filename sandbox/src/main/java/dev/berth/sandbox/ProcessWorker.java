package dev.berth.sandbox;

import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A worker of the process sandbox, from the order to start it to its end. */
final class ProcessWorker implements SandboxProcess {
  private static final int SIGKILL = 9;
  private static final int DISK_MILLIS = 500;
  private static final Duration LOOK_AGAIN = Duration.ofMillis(5);

  /** Its first process, its control groups and its connections. */
  private record Started(long pid, Map<String, Path> cgroups, Rendezvous.Guest guest) {}

  /**
   * Why there is no worker.
   *
   * @param own whether that is of the plugin's making, see {@link StartFailure}
   */
  record Failure(String step, String why, boolean own) {
    @Override
    public String toString() {
      return "could not " + step + ": " + why;
    }
  }

  private final int id;
  private final long memoryBytes;
  private final Launcher launcher;
  private final CompletableFuture<Started> started = new CompletableFuture<>();
  private final CompletableFuture<Failure> failed = new CompletableFuture<>();
  private final CompletableFuture<SandboxExit> exited = new CompletableFuture<>();
  private final CompletableFuture<Rendezvous.Sockets> sockets =
      started.thenCompose(running -> running.guest().arrived());
  private volatile CompletableFuture<Long> disk = CompletableFuture.completedFuture(0L);

  ProcessWorker(int id, long memoryBytes, Launcher launcher) {
    this.id = id;
    this.memoryBytes = memoryBytes;
    this.launcher = launcher;
  }

  int id() {
    return id;
  }

  Launcher launcher() {
    return launcher;
  }

  /** Completed when it is known whether there is a worker, one way or the other. */
  CompletableFuture<Void> settled() {
    return CompletableFuture.anyOf(sockets, failed, exited).thenAccept(_ -> {});
  }

  @Override
  public @Nullable String failure() {
    Failure failure = failed.getNow(null);
    return failure == null ? null : failure.toString();
  }

  CompletableFuture<Failure> failed() {
    return failed;
  }

  void onStarted(long pid, Map<String, Path> cgroups, Rendezvous.Guest guest) {
    started.complete(new Started(pid, Map.copyOf(cgroups), guest));
  }

  /** Its connections, once it has any that are its own; null before. */
  Rendezvous.@Nullable Guest guest() {
    Started running = started.getNow(null);
    return running == null ? null : running.guest();
  }

  /** The answer to {@link #askDisk}. */
  void onDisk(long bytes) {
    disk.complete(bytes);
  }

  void onFailed(Failure failure) {
    failed.complete(failure);
    end(new SandboxExit.Killed(SIGKILL));
  }

  void onExited(int status, int signal, boolean outOfMemory) {
    end(
        outOfMemory
            ? new SandboxExit.OutOfMemory(memoryBytes)
            : signal > 0 ? new SandboxExit.Killed(signal) : new SandboxExit.Exited(status));
  }

  /** On a thread of its own: what others do on it must not keep the launcher's reader waiting. */
  private void end(SandboxExit exit) {
    Thread.ofVirtual().name("berth-exit").start(() -> exited.complete(exit));
  }

  /** The launcher died, and the kernel kills what it launched; nobody tells when that is done. */
  void onLauncherGone() {
    Started running = started.getNow(null);
    if (running == null) {
      onFailed(new Failure("start", "the launcher ended", false));
      return;
    }
    Thread.ofVirtual()
        .name("berth-exit")
        .start(() -> {
          while (isAlive(running.pid())) {
            try {
              Thread.sleep(LOOK_AGAIN);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
              break;
            }
          }
          exited.complete(new SandboxExit.Killed(SIGKILL));
        });
  }

  /** A zombie counts as dead: by then the kernel has ended all of its namespace. */
  private static boolean isAlive(long pid) {
    try {
      String stat =
          Files.readString(Path.of("/proc/" + pid + "/stat"), StandardCharsets.ISO_8859_1);
      char state = stat.charAt(stat.lastIndexOf(')') + 2);
      return state != 'Z' && state != 'X' && stat.contains("(berth-init)");
    } catch (IOException e) {
      return false;
    }
  }

  @Override
  public SocketChannel channel() {
    return sockets.join().channel();
  }

  @Override
  public SocketChannel output() {
    return sockets.join().output();
  }

  @Override
  public long pid() {
    return started.join().pid();
  }

  @Override
  public CompletableFuture<SandboxExit> exited() {
    return exited;
  }

  @Override
  public void kill() {
    launcher.send(Map.of("op", "kill", "id", id));
  }

  @Override
  public ResourceUsage usage() {
    Started running = started.getNow(null);
    if (running == null || exited.isDone()) {
      return ResourceUsage.NONE;
    }
    CompletableFuture<Long> asked = askDisk();
    return CgroupUsage.read(running.cgroups()).withDisk(asked.join());
  }

  @Override
  public long cpuNanos() {
    Started running = started.getNow(null);
    return running == null || exited.isDone() ? 0 : CgroupUsage.cpuNanos(running.cgroups());
  }

  /** One question at a time, however many want to know. */
  private synchronized CompletableFuture<Long> askDisk() {
    if (disk.isDone()) {
      disk =
          new CompletableFuture<Long>().completeOnTimeout(0L, DISK_MILLIS, TimeUnit.MILLISECONDS);
      launcher.send(Map.of("op", "disk", "id", id));
    }
    return disk;
  }
}
