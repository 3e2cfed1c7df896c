package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import dev.berth.sandbox.Attacher.Mount;
import dev.berth.sandbox.ContainerRequest.Bind;
import dev.berth.sandbox.Containers.Owner;
import dev.berth.sandbox.Containers.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Workers in containers of a Docker engine.
 *
 * <p>A container is made and started before its plugin is known: its worker connects, shows its
 * token and waits. A plugin's folders are then mounted into it from outside, its limits are set,
 * and the first message to it makes it go on. Where the host may not mount (without root), there is
 * a container for each start, and no waiting ones.
 */
public final class DockerSandbox implements Sandbox {
  private static final Logger log = LoggerFactory.getLogger(DockerSandbox.class);
  private static final int STARTS_AT_ONCE = 4;
  private static final int NAME_SECONDS = 3;
  private static final int FIRST_SLOT_USER = 200_000;
  private static final String RUNSC = "runsc";

  private final DockerSandboxSettings settings;
  private final DockerEngine engine;
  private final RunFolder run;
  private final Rendezvous rendezvous;
  private final Containers containers;
  private final ContainerPool pool;
  private final @Nullable Attacher attacher;
  private final Path runtime;
  private final Isolation isolation;
  private final @Nullable VolumeImages volumes = VolumeImages.find();
  private final Map<String, DockerImage> images = new ConcurrentHashMap<>();
  private final Semaphore startsAtOnce = new Semaphore(STARTS_AT_ONCE, true);
  private volatile boolean closed;

  private DockerSandbox(
      DockerSandboxSettings settings,
      DockerEngine engine,
      RunFolder run,
      Rendezvous rendezvous,
      Containers containers,
      @Nullable Attacher attacher,
      Path runtime,
      DockerIsolation.Found found) {
    this.settings = settings;
    this.engine = engine;
    this.run = run;
    this.rendezvous = rendezvous;
    this.containers = containers;
    this.attacher = attacher;
    this.runtime = runtime;
    this.isolation = DockerIsolation.of(found);
    this.pool = new ContainerPool(attacher == null ? 0 : settings.parked(), this::makeParked);
  }

  /**
   * Connects to the engine, removes what an earlier host left there, and sees that the image is
   * there and has a Python.
   *
   * @throws PluginException {@code sandbox_unavailable}
   */
  public static DockerSandbox open(DockerSandboxSettings settings) {
    Path data = settings.dataDir().toAbsolutePath();
    DockerEngine engine = DockerEngine.connect(settings.host());
    RunFolder run = null;
    Rendezvous rendezvous = null;
    Attacher attacher = null;
    DockerSandbox sandbox = null;
    try {
      run = RunFolder.open(data);
      Path runtime = RuntimeFiles.unpack(data);
      rendezvous = Rendezvous.open(run.path());
      var containers = new Containers(settings, engine, run, rendezvous, runtime);
      containers.reap();
      DockerImage image = DockerImage.find(engine, settings.image());
      JsonNode info = engine.get("/info").body();
      String[] noAttacher = {""};
      String noRunsc = isolatingRuntime(info, containers, image);
      boolean runsc = noRunsc != null && noRunsc.isEmpty();
      if (runsc) {
        noAttacher[0] = "what is mounted later is not seen below runsc";
      } else {
        VolumeImages made = VolumeImages.find();
        attacher =
            Attacher.start(
                settings.helper(),
                runtime,
                run.volumes(),
                made == null ? null : made.probe(run.path()),
                text -> noAttacher[0] = text);
      }
      var found =
          new DockerIsolation.Found(
              info,
              runsc ? RUNSC : "",
              noRunsc == null ? "" : noRunsc,
              attacher != null || root() ? "" : noAttacher[0],
              noAttacher[0],
              attacher == null ? noAttacher[0] : attacher.noVolumes());
      var opened =
          new DockerSandbox(
              settings, engine, run, rendezvous, containers, attacher, runtime, found);
      opened.images.put(settings.image(), image);
      containers.watch(opened.pool::fill);
      opened.pool.fill();
      sandbox = opened;
      return opened;
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, "The Docker sandbox can't use " + data + ": " + e, e);
    } finally {
      if (sandbox == null) {
        release(engine, attacher, rendezvous, run);
      }
    }
  }

  /** Whether an engine answers and has the image, so that nothing would have to be fetched. */
  public static boolean isReady(DockerSandboxSettings settings) {
    try (DockerEngine engine = DockerEngine.connect(settings.host())) {
      return engine.get("/images/" + settings.image() + "/json").ok();
    } catch (PluginException e) {
      return false;
    }
  }

  private static boolean root() {
    return "root".equals(System.getProperty("user.name"));
  }

  /**
   * Uses gVisor where the engine has it and a worker in it can connect to us, which is tried: it
   * may be set up to refuse sockets of the host's.
   *
   * @return empty when it is used, why not otherwise, null when the engine hasn't got it
   */
  private static @Nullable String isolatingRuntime(
      JsonNode info, Containers containers, DockerImage image) {
    if (!info.path("Runtimes").has(RUNSC)) {
      return null;
    }
    containers.use(RUNSC);
    try {
      int user = root() ? FIRST_SLOT_USER : ownUser()[0];
      var owner = new Owner(user, root() ? FIRST_SLOT_USER : ownUser()[1], List.of());
      containers.discard(containers.make(new Shape(image, 256L << 20, 1024), owner));
      return "";
    } catch (PluginException e) {
      containers.use("");
      log.warn("docker: {} is not used: {}", RUNSC, e.getMessage());
      return String.valueOf(e.getMessage());
    }
  }

  private static int[] ownUser() {
    try {
      Path self = Path.of("/proc/self");
      return new int[] {
        (Integer) Files.getAttribute(self, "unix:uid"),
        (Integer) Files.getAttribute(self, "unix:gid")
      };
    } catch (IOException e) {
      throw new PluginException(ErrorCode.INTERNAL, "/proc can't be read: " + e, e);
    }
  }

  /** The interpreter of the image that the plugin would run in; may pull or build it. */
  @Override
  public PythonInterpreter python(String image, Path packageDir) {
    return image(imageOf(image, packageDir)).python();
  }

  private DockerImage image(String name) {
    return images.computeIfAbsent(name, wanted -> DockerImage.find(engine, wanted));
  }

  /** The name of a plugin's image. Its own, named or built, only where the operator allows that. */
  private String imageOf(String named, Path packageDir) {
    if (!named.isEmpty() && !settings.pluginImages()) {
      throw new PluginException(
          ErrorCode.FORBIDDEN,
          "The plugin wants to run in the image "
              + named
              + ", which this host does not allow. Serve with --docker-plugin-images if you trust"
              + " it, or ask its author for a version without docker_image.");
    }
    if (!named.isEmpty()) {
      return named;
    }
    return settings.pluginImages() && PluginBuild.hasDockerfile(packageDir)
        ? new PluginBuild(engine, settings.helper(), runtime).image(packageDir)
        : settings.image();
  }

  @Override
  public Ceilings ceilings() {
    return new Ceilings(
        settings.maxPids(),
        settings.maxOpenFiles(),
        settings.tmpMb(),
        Ceilings.DEFAULT.fileMb(),
        settings.maxCpus());
  }

  @Override
  public Isolation isolation() {
    return isolation;
  }

  @Override
  public SandboxProcess start(SandboxSpec spec) {
    if (closed) {
      throw new PluginException(ErrorCode.SHUTTING_DOWN, "The sandbox is closed.");
    }
    DockerIsolation.refuseIfWeak(spec.plugin(), isolation, settings.allowWeak());
    engine.ping(); // within seconds, so that nobody waits for one that stands still
    String name = imageOf(spec.image(), spec.packageDir());
    startsAtOnce.acquireUninterruptibly();
    try {
      while (name.equals(settings.image())) {
        DockerWorker parked = pool.take();
        if (parked == null) {
          break;
        }
        if (give(parked, spec)) {
          return parked;
        }
      }
      DockerWorker worker = make(name, spec);
      if (!give(worker, spec)) {
        throw Containers.unavailable("its container ended while it was given its folders", null);
      }
      return worker;
    } finally {
      startsAtOnce.release();
      pool.fill();
    }
  }

  private DockerWorker make(String image, SandboxSpec spec) {
    try {
      var shape = new Shape(image(image), memory(spec), shares(spec));
      return containers.make(shape, attacher == null ? owner(spec) : null);
    } catch (PluginException e) {
      forget(image, e);
      throw e;
    }
  }

  /** Of what the engine refused, the image may be missing by now: the next start looks again. */
  private void forget(String image, PluginException why) {
    if (why.code() == ErrorCode.PLUGIN_START_FAILED) {
      images.remove(image);
    }
  }

  private DockerWorker makeParked() {
    var usual = new Shape(image(settings.image()), usualMemory(), usualShares());
    try {
      return containers.make(usual, null);
    } catch (PluginException e) {
      forget(settings.image(), e);
      throw e;
    }
  }

  /** Without a helper the folders are there from the beginning. */
  private Owner owner(SandboxSpec spec) {
    int[] own = ownUser();
    try {
      Files.createDirectories(spec.dataDir());
      if (root()) {
        own = new int[] {FIRST_SLOT_USER + spec.slot(), FIRST_SLOT_USER + spec.slot()};
        Files.setAttribute(spec.dataDir(), "unix:uid", own[0]);
        Files.setAttribute(spec.dataDir(), "unix:gid", own[1]);
      }
    } catch (IOException e) {
      throw Containers.notStarted("its folder can't be made: " + e);
    }
    List<Bind> folders =
        mounts(spec).stream()
            .map(mount ->
                new Bind(
                    mount.source().toString(),
                    mount.target(),
                    mount.access().equals("write") || mount.access().equals("socket")))
            .toList();
    return new Owner(own[0], own[1], folders);
  }

  /**
   * Makes a container a plugin's; discards it when that fails.
   *
   * @return false when it had ended by itself
   */
  private boolean give(DockerWorker worker, SandboxSpec spec) {
    try {
      fit(worker, spec);
      return true;
    } catch (PluginException e) {
      boolean ended = !worker.isAlive();
      containers.discard(worker);
      if (!ended) {
        throw e;
      }
      log.debug("docker: a container ended before it was a plugin's: {}", e.getMessage());
      return false;
    }
  }

  private void fit(DockerWorker worker, SandboxSpec spec) {
    Attacher helper = attacher;
    long memory = memory(spec);
    worker.memory(memory);
    int shares = shares(spec);
    // The engine takes a while for each; none needs the others.
    CompletableFuture<Void> limits =
        memory == usualMemory() && shares == usualShares()
            ? CompletableFuture.completedFuture(null)
            : async(() -> limit(worker, memory, shares));
    CompletableFuture<Void> named = async(() -> name(worker, spec));
    try {
      if (helper != null) {
        List<Mount> mounts = mounts(spec);
        helper.attach(worker.pid(), worker.user(), mounts);
        mounts.stream()
            .filter(mount -> mount.bytes() > 0)
            .forEach(mount -> worker.holds(mount.source(), helper));
      }
    } finally {
      join(limits);
      join(named);
    }
  }

  private static CompletableFuture<Void> async(Runnable work) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    Thread.ofVirtual()
        .start(() -> {
          try {
            work.run();
            done.complete(null);
          } catch (RuntimeException e) {
            done.completeExceptionally(e);
          }
        });
    return done;
  }

  private static void join(CompletableFuture<Void> work) {
    try {
      work.join();
    } catch (CompletionException e) {
      if (e.getCause() instanceof PluginException known) {
        throw known;
      }
      throw e;
    }
  }

  private void limit(DockerWorker worker, long memory, int shares) {
    DockerEngine.Answer answer =
        engine.post(
            "/containers/" + worker.container() + "/update",
            Map.of("Memory", memory, "MemorySwap", memory, "CpuShares", shares));
    if (!answer.ok()) {
      throw refused(answer, "a container's limits could not be set: ");
    }
  }

  /** The old worker of an update may have the name still; then the generation tells them apart. */
  private void name(DockerWorker worker, SandboxSpec spec) {
    String name = spec.plugin().value();
    DockerEngine.Answer answer = rename(worker, name);
    if (answer.status() == 409) {
      DockerWorker holder = containers.named(name);
      if (holder != null && holder.exited().isDone()) {
        holder.removed().completeOnTimeout(null, NAME_SECONDS, TimeUnit.SECONDS).join();
        answer = rename(worker, name);
      } else if (holder != null) {
        var _ = holder.removed().thenRunAsync(() -> renameLater(worker, name));
      }
    }
    if (answer.status() == 409) {
      answer = rename(worker, name + "_" + spec.generation());
    }
    if (!answer.ok()) {
      throw refused(answer, "a container could not be named: ");
    }
  }

  private DockerEngine.Answer rename(DockerWorker worker, String name) {
    DockerEngine.Answer answer =
        engine.post("/containers/" + worker.container() + "/rename?name=" + name, null);
    if (answer.ok()) {
      worker.name(name);
    }
    return answer;
  }

  private void renameLater(DockerWorker worker, String name) {
    try {
      if (!worker.exited().isDone()) {
        var _ = rename(worker, name);
      }
    } catch (PluginException e) {
      log.debug("docker: {} keeps its name: {}", worker.name(), e.getMessage());
    }
  }

  private PluginException refused(DockerEngine.Answer answer, String what) {
    return answer.status() < 500 && answer.status() != 404 && answer.status() != 409
        ? Containers.notStarted(what + answer.message())
        : engine.unavailable(what + answer.message(), null);
  }

  private List<Mount> mounts(SandboxSpec spec) {
    List<Mount> mounts = new ArrayList<>();
    mounts.add(new Mount(spec.packageDir().toAbsolutePath(), "/workspace", "read"));
    if (spec.siteDir() != null) {
      mounts.add(new Mount(spec.siteDir().toAbsolutePath(), "/site", "read"));
    }
    mounts.add(data(spec));
    if (spec.egress() != null) {
      mounts.add(new Mount(spec.egress().toAbsolutePath(), "/run/egress.sock", "socket"));
    }
    for (SharedFolder folder : spec.folders()) {
      mounts.add(
          new Mount(
              folder.host(), "/folders/" + folder.name(), folder.writable() ? "write" : "view"));
    }
    return mounts;
  }

  private Mount data(SandboxSpec spec) {
    Path folder = spec.dataDir().toAbsolutePath();
    int owner = FIRST_SLOT_USER + spec.slot();
    Attacher helper = attacher;
    VolumeImages made = volumes;
    if (helper == null || made == null || !helper.noVolumes().isEmpty()) {
      return new Mount(folder, "/data", "write", owner, 0);
    }
    Path image = made.prepare(spec.plugin(), folder, spec.dataBytes(), owner);
    return new Mount(image, "/data", "write", owner, spec.dataBytes());
  }

  private long memory(SandboxSpec spec) {
    return (long) Math.min(spec.limits().memoryMb(), settings.maximum().memoryMb()) << 20;
  }

  private int shares(SandboxSpec spec) {
    return Math.max(2, Math.min(spec.limits().cpuShares(), settings.maximum().cpuShares()));
  }

  private long usualMemory() {
    return (long) Math.min(ResourceLimits.DEFAULT.memoryMb(), settings.maximum().memoryMb()) << 20;
  }

  private int usualShares() {
    return Math.min(ResourceLimits.DEFAULT.cpuShares(), settings.maximum().cpuShares());
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    pool.close();
    containers.close();
    release(engine, attacher, rendezvous, run);
  }

  private static void release(
      DockerEngine engine,
      @Nullable Attacher attacher,
      @Nullable Rendezvous rendezvous,
      @Nullable RunFolder run) {
    if (attacher != null) {
      attacher.close();
    }
    if (rendezvous != null) {
      rendezvous.close();
    }
    if (run != null) {
      run.close();
    }
    engine.close();
  }
}
