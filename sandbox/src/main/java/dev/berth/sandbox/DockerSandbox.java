package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import dev.berth.sandbox.Containers.Shape;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
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
  private static final int STARTS_AT_ONCE = 4;

  private final DockerSandboxSettings settings;
  private final DockerEngine engine;
  private final RunFolder run;
  private final Containers containers;
  private final ContainerPool pool;
  private final @Nullable Attacher attacher;
  private final ContainerImages images;
  private final ContainerFolders folders;
  private final ContainerFitter fitter;
  private final Isolation isolation;
  private final Semaphore startsAtOnce = new Semaphore(STARTS_AT_ONCE, true);
  private volatile boolean closed;

  private DockerSandbox(
      DockerSandboxSettings settings,
      DockerEngine engine,
      RunFolder run,
      Path runtime,
      Containers containers,
      @Nullable Attacher attacher,
      ContainerImages images,
      DockerIsolation.Found found) {
    this.settings = settings;
    this.engine = engine;
    this.run = run;
    this.containers = containers;
    this.attacher = attacher;
    this.images = images;
    this.isolation = DockerIsolation.of(found);
    Allowance usual = Allowance.of(ResourceLimits.DEFAULT, settings.maximum());
    boolean late = attacher != null && !found.runtime().isolating();
    this.folders = new ContainerFolders(attacher, late, runtime, run.placed());
    this.fitter = new ContainerFitter(engine, containers, folders);
    this.pool =
        new ContainerPool(
            late ? settings.parked() : 0,
            () -> make(settings.image(), images.usual(), usual, null));
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
    Attacher attacher = null;
    DockerSandbox sandbox = null;
    try {
      run = RunFolder.open(data);
      Path runtime = RuntimeFiles.unpack(data);
      var containers = new Containers(settings, engine, run, runtime);
      containers.reap();
      var images = new ContainerImages(settings, engine, run.installation(), runtime, run.builds());
      images.reap();
      DockerImage image = images.usual();
      JsonNode info = engine.get("/info").body();
      containers.limitSockets(DockerIsolation.countsSocketsApart(info));
      EngineRuntime chosen =
          EngineRuntime.choose(
              settings.runtime(), info, candidate -> trial(candidate, containers, image));
      containers.use(chosen);
      String[] noAttacher = {""};
      VolumeImages made = VolumeImages.find();
      attacher =
          Attacher.start(
              settings.helper(),
              runtime,
              run.volumes(),
              run.placed(),
              made == null ? null : made.probe(run.path()),
              text -> noAttacher[0] = text);
      var found =
          DockerIsolation.Found.of(
              info, chosen, attacher, noAttacher[0], Landlock.missing(settings.helper(), runtime));
      var opened =
          new DockerSandbox(settings, engine, run, runtime, containers, attacher, images, found);
      containers.watch(opened.pool::fill);
      opened.pool.fill();
      sandbox = opened;
      return opened;
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, "The Docker sandbox can't use " + data + ": " + e, e);
    } finally {
      if (sandbox == null) {
        release(engine, attacher, run);
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

  private static void trial(EngineRuntime candidate, Containers containers, DockerImage image) {
    containers.use(candidate);
    var shape = new Shape(image, new Allowance(256L << 20, 1024));
    containers.discard(containers.make(shape, ContainerFolders.user(0)));
  }

  /** The interpreter of the image that the plugin would run in; may pull or build it. */
  @Override
  public PythonInterpreter python(String image, Path packageDir, Consumer<String> progress) {
    return images.get(images.nameOf(image, packageDir, progress), progress).python();
  }

  @Override
  public boolean hasImage(String image, Path packageDir) {
    return images.has(image, packageDir);
  }

  @Override
  public void keepOnly(Set<Path> packageDirs) {
    images.keepOnly(packageDirs, containers::awaitRemovals);
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
    if (closed) {
      throw new PluginException(ErrorCode.SHUTTING_DOWN, "The sandbox is closed.");
    }
    WeakIsolation.refuse(spec.plugin(), isolation, settings.allowWeak());
    engine.ping(); // within seconds, so that nobody waits for one that stands still
    String name = images.nameOf(spec.image(), spec.packageDir(), _ -> {});
    DockerImage image = images.get(name, _ -> {}); // others don't wait for what has to be fetched
    try {
      return start(spec, name, image, underWay);
    } catch (PluginException e) {
      if (e.code() != ErrorCode.PLUGIN_START_FAILED) {
        throw e;
      }
      // Somebody may have removed the image since it was looked at. What is there instead will do
      // if its Python is the one that the plugin's dependencies were chosen for.
      DockerImage now =
          images.get(images.nameOf(spec.image(), spec.packageDir(), _ -> {}), _ -> {});
      if (now.id().equals(image.id()) || !now.python().equals(image.python())) {
        throw e;
      }
      return start(spec, name, now, () -> {});
    }
  }

  private DockerWorker start(SandboxSpec spec, String name, DockerImage image, Runnable underWay) {
    Allowance allowance = Allowance.of(spec.limits(), settings.maximum());
    startsAtOnce.acquireUninterruptibly();
    try {
      underWay.run();
      while (images.isUsual(name)) {
        DockerWorker waiting = pool.take();
        if (waiting == null) {
          break;
        }
        if (fitter.give(waiting, spec, allowance)) {
          return waiting;
        }
      }
      DockerWorker worker = make(name, image, allowance, spec);
      if (!fitter.give(worker, spec, allowance)) {
        throw containers.endedEarly("ended while it was given its folders");
      }
      return worker;
    } finally {
      startsAtOnce.release();
      pool.fill();
    }
  }

  /**
   * @param spec null for a container that will wait for its plugin
   */
  private DockerWorker make(
      String name, DockerImage image, Allowance allowance, @Nullable SandboxSpec spec) {
    try (PlacedFolders placed = spec == null ? PlacedFolders.NONE : folders.place(spec)) {
      DockerWorker worker = containers.make(new Shape(image, allowance), placed.owner());
      placed.giveTo(worker);
      return worker;
    } catch (PluginException e) {
      images.forget(name, e);
      throw e;
    }
  }

  /** Process id of the helper that mounts folders, 0 for none; for tests that kill it. */
  long helperPid() {
    return attacher == null ? 0 : attacher.pid();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    pool.close();
    images.close();
    containers.close();
    release(engine, attacher, run);
  }

  private static void release(
      DockerEngine engine, @Nullable Attacher attacher, @Nullable RunFolder run) {
    if (attacher != null) {
      attacher.close();
    }
    if (run != null) {
      run.close();
    }
    engine.close();
  }
}
