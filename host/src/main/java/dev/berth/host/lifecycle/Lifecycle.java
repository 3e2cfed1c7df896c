package dev.berth.host.lifecycle;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.PluginService;
import dev.berth.api.Readiness;
import dev.berth.api.TenantId;
import dev.berth.channel.ChannelLimits;
import dev.berth.channel.ChannelLoop;
import dev.berth.channel.WorkerChannels;
import dev.berth.host.HostSettings;
import dev.berth.host.install.ArchiveLimits;
import dev.berth.host.install.DependencyStore;
import dev.berth.host.install.PackageStore;
import dev.berth.host.manifest.ManifestReader;
import dev.berth.host.store.JournalObserver;
import dev.berth.host.store.PluginRow;
import dev.berth.host.store.Store;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.Sandbox;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens and closes all that keeps plugins alive. */
public final class Lifecycle implements AutoCloseable {
  /** Workers started at once that nobody waits for. */
  private static final int STARTS = Math.max(2, Runtime.getRuntime().availableProcessors());

  /** How long a plugin that initialises itself keeps the next one from being started. */
  private static final Duration INITIALISING = Duration.ofSeconds(2);

  private static final Logger LOG = LoggerFactory.getLogger(Lifecycle.class);

  /** How long a host that closes waits for what is under way in the background. */
  private static final Duration BACKGROUND = Duration.ofSeconds(10);

  private static final long LEAST_SPACE_BYTES = 16L << 20;

  private final HostSettings settings;
  private final Sandbox sandbox;
  private final Rooms rooms;
  private final Operations operations;
  private final ExecutorService background;
  private final Gate operating = new Gate();
  private final AtomicBoolean closed = new AtomicBoolean();

  /** What tests do otherwise. */
  record Parts(
      Timings timings,
      ChannelOpener channels,
      JournalObserver observer,
      Map<String, String> environment) {
    static final Parts REAL =
        new Parts(Timings.DEFAULT, WorkerChannels::open, JournalObserver.NONE, System.getenv());
  }

  private Lifecycle(
      HostSettings settings, Sandbox sandbox, Rooms rooms, ExecutorService background) {
    this.settings = settings;
    this.sandbox = sandbox;
    this.rooms = rooms;
    this.background = background;
    var removal = new Removal(rooms.paths(), background);
    this.operations = Operations.in(rooms, removal);
    new Recovery(rooms, removal).run();
  }

  /** See {@link dev.berth.host.BerthHost#open}. */
  public static Lifecycle open(HostSettings settings, Sandbox sandbox, ChannelLoop loop) {
    return open(settings, sandbox, loop, Parts.REAL);
  }

  static Lifecycle open(HostSettings settings, Sandbox sandbox, ChannelLoop loop, Parts parts) {
    ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
    // Asking the interpreter takes a process; the store opens meanwhile.
    CompletableFuture<PythonInterpreter> python =
        CompletableFuture.supplyAsync(() -> PythonInterpreter.probe(settings.python()), background);
    Store store = Store.open(settings.dataDir(), parts.observer());
    var timer = new Timer(background);
    try {
      makeFolders(new Paths(settings.dataDir()));
      PythonInterpreter interpreter =
          Await.value(python, parts.timings().start(), noPython(settings));
      Rooms rooms = rooms(settings, sandbox, loop, parts, store, interpreter, timer, background);
      var host = new Lifecycle(settings, sandbox, rooms, background);
      host.startEnabled();
      return host;
    } catch (RuntimeException e) {
      timer.close();
      store.close();
      background.shutdown();
      throw e;
    }
  }

  private static Rooms rooms(
      HostSettings settings,
      Sandbox sandbox,
      ChannelLoop loop,
      Parts parts,
      Store store,
      PythonInterpreter python,
      Timer timer,
      ExecutorService background) {
    var paths = new Paths(settings.dataDir());
    var catalog =
        new Catalog(
            new PackageStore(
                paths.data(),
                ArchiveLimits.DEFAULT.withArchiveBytes(settings.limits().uploadBytes()),
                new ManifestReader(settings.limits().maximum(), HostSettings.VERSION)));
    var dependencies = new DependencyStore(paths.data(), python, parts.environment());
    var garbage = new Garbage(store, catalog, dependencies, sandbox);
    var interpreters = new Interpreters(sandbox, python);
    var plans =
        new PlanMaker(
            paths,
            store,
            catalog,
            dependencies,
            garbage,
            interpreters,
            settings.limits().dataBytes(),
            settings.folders());
    ChannelLimits limits =
        ChannelLimits.DEFAULT.withValueBytes(
            ChannelLimits.DEFAULT.maxContextBytes(), settings.limits().resultBytes());
    var pulse = new Pulse(System::nanoTime);
    var beating = timer.every(Pulse.EVERY, Pulse.EVERY, pulse::beat);
    if (beating.isDone()) {
      throw new IllegalStateException("the timer doesn't run");
    }
    Clock clock = Clock.systemUTC();
    var copy = new RegistryCopy(store.manifest(), timer);
    var engine =
        new Engine(
            plans,
            new Launcher(
                sandbox,
                loop,
                parts.channels(),
                Networks.open(paths.egress(), settings.egress()),
                limits,
                parts.timings(),
                background),
            (row, state) -> {
              PluginRow now = Rows.with(row, state, clock.instant());
              store.registry().setState(row.tenant(), row.id(), state, now.updatedAt());
              copy.changed();
              return now;
            },
            parts.timings(),
            timer,
            pulse,
            background,
            new Starts(STARTS, INITIALISING, timer),
            new Pace(timer));
    return new Rooms(
        paths,
        store,
        catalog,
        dependencies,
        interpreters,
        plans,
        garbage,
        new Plugins(),
        copy,
        engine,
        clock);
  }

  private static void makeFolders(Paths paths) {
    for (var folder : List.of(paths.volumes(), paths.logs(), paths.trash())) {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw new PluginException(ErrorCode.STORE_UNAVAILABLE, folder + " can't be made: " + e, e);
      }
    }
  }

  private static PluginException noPython(HostSettings settings) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE, settings.python() + " doesn't say which Python it is.");
  }

  private void startEnabled() {
    for (PluginRow row : rooms.store().registry().all()) {
      rooms.plugins().add(rooms.supervise(row));
    }
    rooms.plugins().all().forEach(Supervisor::settle);
    Future<?> _ = rooms.engine().timer().every(CpuMeter.EVERY, CpuMeter.EVERY, this::sampleCpu);
    // Listing and command checks want every manifest; the first of them need not wait for it.
    background.execute(
        () -> rooms.plugins().all().forEach(plugin -> Description.manifest(rooms, plugin.row())));
  }

  /** Off the thread that keeps the time: each worker is a file to be read. */
  private void sampleCpu() {
    background.execute(() -> {
      for (Supervisor plugin : rooms.plugins().all()) {
        Worker worker = plugin.running();
        if (worker != null) {
          worker.sampleCpu();
        }
      }
    });
  }

  /** The plugins of {@code tenant}. */
  public PluginService service(TenantId tenant) {
    return new TenantService(this, rooms, tenant);
  }

  public AccessKeys keys() {
    return rooms.store().keys();
  }

  Rooms rooms() {
    return rooms;
  }

  /**
   * Does something to a plugin, unless the host is closing; it then closes when that is done.
   *
   * @throws PluginException {@code shutting_down}, and what the operation throws
   */
  <T> T operate(Function<Operations, T> operation) {
    if (!operating.enter()) {
      throw shuttingDown();
    }
    try {
      return operation.apply(operations);
    } finally {
      operating.exit();
    }
  }

  private static PluginException shuttingDown() {
    return new PluginException(
        ErrorCode.SHUTTING_DOWN, "The host is shutting down. Try again when it is back.");
  }

  Isolation isolation() {
    return sandbox.isolation();
  }

  Readiness readiness() {
    var problems = new ArrayList<String>();
    if (operating.isClosed()) {
      problems.add(shuttingDown().getMessage());
    }
    try {
      var _ = rooms.store().registry().digestsInUse();
      var _ = sandbox.isolation();
      long space = Files.getFileStore(settings.dataDir()).getUsableSpace();
      if (space < LEAST_SPACE_BYTES) {
        problems.add(
            "Only " + (space >> 20) + " MiB are free for " + settings.dataDir() + ". Make room.");
      }
    } catch (PluginException e) {
      problems.add(e.getMessage());
    } catch (IOException e) {
      problems.add(settings.dataDir() + " can't be looked at: " + e);
    }
    return new Readiness(problems.isEmpty(), problems);
  }

  /** See {@link dev.berth.host.BerthHost#drain}. */
  public void drain() {
    operating.close();
    rooms.plugins().all().forEach(plugin -> plugin.endOperations(shuttingDown()));
  }

  /** Stops every worker in order, all at once, and lets go of the data folder. */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    drain();
    try (ExecutorService stops = Executors.newVirtualThreadPerTaskExecutor()) {
      for (Supervisor plugin : rooms.plugins().all()) {
        stops.execute(() -> stop(plugin));
      }
    }
    // What an operation has begun it undoes, and it needs the store and the background for that.
    if (!Await.done(operating.whenEmpty(), BACKGROUND)) {
      LOG.warn("{} operations go on while the host closes", operating.inside());
    }
    rooms.engine().timer().close();
    background.shutdown();
    awaitBackground();
    rooms.copy().write();
    for (Supervisor plugin : rooms.plugins().all()) {
      plugin.log().flush();
      plugin.errors().flush();
    }
    rooms.store().close();
  }

  private void awaitBackground() {
    try {
      if (!background.awaitTermination(BACKGROUND.toSeconds(), TimeUnit.SECONDS)) {
        LOG.warn("Background work goes on while the host closes");
      }
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void stop(Supervisor plugin) {
    Worker worker = plugin.withdraw(plugin.row(), shuttingDown());
    if (worker != null) {
      Timings timings = rooms.engine().timings();
      worker.stop(timings.drain(), timings.shutdown(), shuttingDown());
      plugin.stopped();
    }
  }
}
