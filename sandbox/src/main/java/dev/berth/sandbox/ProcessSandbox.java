package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Workers as processes of this machine, isolated by the kernel alone. A launcher in Python and its
 * zygote, from which each worker is forked, never run a plugin's code.
 */
public final class ProcessSandbox implements Sandbox {
  private static final Logger log = LoggerFactory.getLogger(ProcessSandbox.class);
  private static final int START_SECONDS = 30;
  private static final int STARTS_AT_ONCE = 8;
  private static final int END_SECONDS = 10;

  /** The Python module that serves a plugin; tests bring their own. */
  record Worker(String module, List<Path> paths) {
    static final Worker REAL = new Worker("berth_runtime.worker", List.of());
  }

  private static final int READY_FOLDERS = 10_000;

  private final ProcessSandboxSettings settings;
  private final ProcessBuilder program;
  private final Map<String, Object> launch;
  private final RunFolder run;
  private final Rendezvous rendezvous;
  private final UserPrincipal ownUser;
  private final @Nullable VolumeImages images;
  private final AtomicInteger lastId = new AtomicInteger();
  private final Map<Integer, ProcessWorker> workers = new ConcurrentHashMap<>();
  private final Set<Path> readyFolders = ConcurrentHashMap.newKeySet();
  // The rest waits here, where waiting costs nothing of a start's own deadline.
  private final Semaphore startsAtOnce = new Semaphore(STARTS_AT_ONCE, true);
  private final Object launcherLock = new Object();
  private @Nullable Launcher launcher;
  private volatile Isolation isolation = new Isolation("process", List.of(), List.of());
  private boolean closed;

  private ProcessSandbox(
      ProcessSandboxSettings settings,
      ProcessBuilder program,
      Map<String, Object> launch,
      RunFolder run,
      Rendezvous rendezvous,
      UserPrincipal ownUser,
      @Nullable VolumeImages images) {
    this.settings = settings;
    this.program = program;
    this.launch = launch;
    this.run = run;
    this.rendezvous = rendezvous;
    this.ownUser = ownUser;
    this.images = images;
  }

  /**
   * Starts the launcher and finds out what this host can enforce. Control groups a dead host left
   * behind are removed.
   *
   * @throws PluginException {@code sandbox_unavailable} when this is not Linux, there is no Python
   *     of version 3.9 or later, another host uses the data folder, or the launcher doesn't start
   */
  public static ProcessSandbox open(ProcessSandboxSettings settings) {
    return open(settings, Worker.REAL);
  }

  static ProcessSandbox open(ProcessSandboxSettings settings, Worker worker) {
    if (!System.getProperty("os.name", "").equals("Linux")) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "The process sandbox needs Linux. Use the Docker sandbox.");
    }
    PythonInterpreter python = PythonInterpreter.probe(Path.of(settings.python()));
    Path data = settings.dataDir().toAbsolutePath();
    RunFolder run = null;
    Rendezvous rendezvous = null;
    ProcessSandbox sandbox = null;
    try {
      run = RunFolder.open(data);
      Path runtime = RuntimeFiles.unpack(data);
      rendezvous = Rendezvous.open(run.path());
      ProcessBuilder program =
          HostPython.program(python.executable(), runtime.resolve("berth_runtime").toString());
      Map<String, Object> launch = new HashMap<>();
      launch.put("host", ProcessHandle.current().pid());
      launch.put("installation", run.installation());
      launch.put("root", run.root().toString());
      launch.put("runtime", runtime.toString());
      launch.put("socket", rendezvous.path().toString());
      VolumeImages images = VolumeImages.find();
      launch.put("volumes", run.volumes().toString());
      launch.put("probe", images == null ? "" : images.probe(run.path()).toString());
      launch.put("parked", settings.parked());
      launch.put("usual_memory", usualMemory(settings));
      launch.put("max_pids", settings.ceilings().pids());
      launch.put("max_cpus", settings.ceilings().cpus());
      launch.put("open_files", settings.ceilings().openFiles());
      launch.put("tmp_mb", settings.ceilings().tmpMb());
      launch.put("mode", settings.mode().word());
      launch.put("worker", worker.module());
      launch.put("paths", worker.paths().stream().map(Path::toString).toList());
      sandbox =
          new ProcessSandbox(
              settings, program, launch, run, rendezvous, Files.getOwner(run.path()), images);
      sandbox.launcher();
      return sandbox;
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, "The process sandbox can't use " + data + ": " + e, e);
    } finally {
      if (sandbox == null || sandbox.launcher == null) {
        release(rendezvous, run);
      }
    }
  }

  /** What a plugin has that asks for nothing special. */
  private static long usualMemory(ProcessSandboxSettings settings) {
    int megabytes = Math.min(ResourceLimits.DEFAULT.memoryMb(), settings.maximum().memoryMb());
    return (long) megabytes * 1024 * 1024;
  }

  /** The running launcher, started again if it died. */
  private Launcher launcher() {
    synchronized (launcherLock) {
      if (closed) {
        throw new PluginException(ErrorCode.SHUTTING_DOWN, "The sandbox is closed.");
      }
      Launcher current = launcher;
      if (current != null && current.alive()) {
        return current;
      }
      Launcher fresh =
          Launcher.launch(program, launch, new Events(new ParkedWorkers(rendezvous, ownUser)));
      launcher = fresh;
      isolation = fresh.ready().isolation();
      return fresh;
    }
  }

  @Override
  public Ceilings ceilings() {
    return settings.ceilings();
  }

  @Override
  public Isolation isolation() {
    return isolation;
  }

  @Override
  public SandboxProcess start(SandboxSpec spec, Runnable underWay) {
    Launcher launcher = launcher();
    WeakIsolation.refuse(spec.plugin(), launcher.ready().isolation(), settings.allowWeak());
    Path volume = volume(spec, launcher);
    int id = lastId.incrementAndGet();
    long memory =
        (long) Math.min(spec.limits().memoryMb(), settings.maximum().memoryMb()) * 1024 * 1024;
    ProcessWorker worker = new ProcessWorker(id, memory, launcher);
    workers.put(id, worker);
    startsAtOnce.acquireUninterruptibly();
    try {
      Map<String, @Nullable Object> order = new HashMap<>();
      order.put("op", "start");
      order.put("id", id);
      order.put("name", spec.plugin().value());
      order.put("package", spec.packageDir().toAbsolutePath().toString());
      order.put("site", spec.siteDir() == null ? null : spec.siteDir().toAbsolutePath().toString());
      order.put("data", spec.dataDir().toAbsolutePath().toString());
      order.put("volume", volume == null ? null : volume.toString());
      order.put(
          "folders",
          spec.folders().stream()
              .map(folder -> List.of(folder.host().toString(), folder.name(), folder.writable()))
              .toList());
      Path egress = spec.egress();
      order.put("egress", egress == null ? null : egress.toAbsolutePath().toString());
      order.put("slot", spec.slot());
      order.put("memory", memory);
      order.put("shares", Math.min(spec.limits().cpuShares(), settings.maximum().cpuShares()));
      launcher.send(order);
      underWay.run();
      if (!launcher.alive()) {
        worker.onLauncherGone(); // it may have died before the worker was in the list
      }
      await(spec, worker);
      return worker;
    } catch (PluginException e) {
      worker.kill();
      awaitEnd(worker);
      Rendezvous.Guest guest = worker.guest();
      if (guest != null) {
        rendezvous.dismiss(guest);
      }
      readyFolders.remove(spec.dataDir().toAbsolutePath()); // Perhaps it is that.
      throw e;
    } finally {
      startsAtOnce.release();
    }
  }

  /** The image of its data folder; null where folders have no size limit. */
  private @Nullable Path volume(SandboxSpec spec, Launcher launcher) {
    Integer first = launcher.ready().firstUid();
    VolumeImages made = images;
    if (made == null
        || first == null
        || !launcher.ready().isolation().enforced().contains("data_size_limit")) {
      return null;
    }
    Path folder = spec.dataDir().toAbsolutePath();
    // To look at all of it again would take longer than the launcher takes to mount it.
    Path image = folder.resolve(VolumeImages.IMAGE);
    if (readyFolders.contains(folder) && image.toFile().length() >= spec.dataBytes()) {
      return image;
    }
    if (readyFolders.size() >= READY_FOLDERS) {
      readyFolders.clear(); // plugins come and go
    }
    Path prepared = made.prepare(spec.plugin(), folder, spec.dataBytes(), first + spec.slot());
    readyFolders.add(folder);
    return prepared;
  }

  private void await(SandboxSpec spec, ProcessWorker worker) {
    try {
      worker.settled().get(START_SECONDS, TimeUnit.SECONDS);
    } catch (TimeoutException e) {
      throw notStarted(spec, "it did not connect within " + START_SECONDS + " s", false, e);
    } catch (ExecutionException e) {
      throw notStarted(spec, String.valueOf(e.getCause()), false, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw notStarted(spec, "interrupted while waiting for it", false, e);
    }
    ProcessWorker.Failure failure = worker.failed().getNow(null);
    if (failure != null) {
      throw notStarted(spec, failure.toString(), failure.own(), null);
    }
    if (worker.exited().isDone()) {
      SandboxExit exit = worker.exited().join();
      String why = "the process " + exit.describe() + " before it connected";
      throw notStarted(spec, why, exit instanceof SandboxExit.OutOfMemory, null);
    }
  }

  private static PluginException notStarted(
      SandboxSpec spec, String why, boolean own, @Nullable Throwable cause) {
    return StartFailure.of(
        "The sandbox of plugin " + spec.plugin() + " did not start: " + why, own, cause);
  }

  private static void awaitEnd(ProcessWorker worker) {
    try {
      worker.exited().get(END_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.error("The processes of a worker that failed to start did not end", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Process id of the launcher; for tests that kill it. */
  long launcherPid() {
    return launcher().pid();
  }

  @Override
  public void close() {
    Launcher last;
    synchronized (launcherLock) {
      if (closed) {
        return;
      }
      closed = true;
      last = launcher;
    }
    List<ProcessWorker> ending = List.copyOf(workers.values());
    if (last != null) {
      last.close();
    }
    ending.forEach(ProcessSandbox::awaitEnd);
    release(rendezvous, run);
  }

  private static void release(@Nullable Rendezvous rendezvous, @Nullable RunFolder run) {
    if (rendezvous != null) {
      rendezvous.close();
    }
    if (run != null) {
      run.close();
    }
  }

  private final class Events implements Launcher.Listener {
    private final ParkedWorkers parked;

    private Events(ParkedWorkers parked) {
      this.parked = parked;
    }

    @Override
    public void coming(Launcher by, int child, byte[] token, @Nullable Integer uid) {
      parked.coming(child, token, uid, () -> by.send(Map.of("op", "welcome", "child", child)));
    }

    @Override
    public void lost(int child) {
      parked.lost(child);
    }

    @Override
    public void started(int id, int child, long pid, Map<String, Path> cgroups) {
      Rendezvous.Guest guest = parked.take(child);
      ProcessWorker worker = workers.get(id);
      if (worker != null && guest != null) {
        worker.onStarted(pid, cgroups, guest);
      } else if (guest != null) {
        rendezvous.dismiss(guest);
      }
    }

    @Override
    public void failed(int id, String step, String why, boolean own) {
      ProcessWorker worker = workers.remove(id);
      if (worker != null) {
        worker.onFailed(new ProcessWorker.Failure(step, why, own));
      }
    }

    @Override
    public void disk(int id, long bytes) {
      ProcessWorker worker = workers.get(id);
      if (worker != null) {
        worker.onDisk(bytes);
      }
    }

    @Override
    public void exited(int id, int status, int signal, boolean outOfMemory) {
      ProcessWorker worker = workers.remove(id);
      if (worker != null) {
        worker.onExited(status, signal, outOfMemory);
      }
    }

    @Override
    public void gone(Launcher which) {
      parked.lostAll();
      List<ProcessWorker> orphans =
          workers.values().stream().filter(worker -> worker.launcher() == which).toList();
      for (ProcessWorker worker : orphans) {
        workers.remove(worker.id());
        worker.onLauncherGone();
      }
    }
  }
}
