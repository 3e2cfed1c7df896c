package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.sandbox.Attacher.Mount;
import dev.berth.sandbox.ContainerRequest.Bind;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
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
  static final String LABEL = "dev.berth";
  private static final Logger log = LoggerFactory.getLogger(DockerSandbox.class);
  private static final int STARTS_AT_ONCE = 4;
  private static final int START_SECONDS = 60;
  private static final int END_SECONDS = 20;
  private static final int TOKEN_BYTES = 32;

  /** Where containers' uids begin: past those of the process sandbox, one for each container. */
  private static final int FIRST_USER = 270_000;

  private static final int USERS = 65_536;
  private static final int FIRST_SLOT_USER = 200_000;

  private final DockerSandboxSettings settings;
  private final DockerEngine engine;
  private final RunFolder run;
  private final Rendezvous rendezvous;
  private final @Nullable Attacher attacher;
  private final Path runtime;
  private final Path scratch;
  private final String installation;
  private final String boot = UUID.randomUUID().toString();
  private final String seccomp = SeccompProfile.docker();
  private final String isolatingRuntime;
  private final Isolation isolation;
  private final UserPrincipal ownUser;
  private final @Nullable VolumeImages volumes = VolumeImages.find();
  private final SecureRandom random = new SecureRandom();
  private final AtomicInteger made = new AtomicInteger();
  private final Map<String, DockerImage> images = new ConcurrentHashMap<>();
  private final Map<String, DockerWorker> workers = new ConcurrentHashMap<>();
  private final Semaphore startsAtOnce = new Semaphore(STARTS_AT_ONCE, true);
  private final Deque<DockerWorker> parked = new ArrayDeque<>(); // guarded by itself
  private boolean filling; // guarded by parked
  private volatile boolean closed;

  private DockerSandbox(
      DockerSandboxSettings settings,
      DockerEngine engine,
      RunFolder run,
      Rendezvous rendezvous,
      @Nullable Attacher attacher,
      Path runtime,
      String noAttacher)
      throws IOException {
    this.settings = settings;
    this.engine = engine;
    this.run = run;
    this.rendezvous = rendezvous;
    this.attacher = attacher;
    this.runtime = runtime;
    this.installation = run.installation();
    this.ownUser = Files.getOwner(run.path());
    this.scratch = Files.createDirectories(run.path().resolve("docker"));
    Files.write(scratch.resolve("place"), new byte[0]);
    JsonNode info = engine.get("/info").body();
    this.isolatingRuntime = info.path("Runtimes").has("runsc") ? "runsc" : "";
    this.isolation =
        DockerIsolation.of(
            info,
            isolatingRuntime,
            attacher == null ? noAttacher : "",
            attacher == null ? noAttacher : attacher.noVolumes());
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
      String[] why = {""};
      if (engine.local()) {
        VolumeImages images = VolumeImages.find();
        attacher =
            Attacher.start(
                settings.helper(),
                runtime,
                run.volumes(),
                images == null ? null : images.probe(run.path()),
                text -> why[0] = text);
      } else {
        why[0] = "the engine is on another machine, or behind TCP";
      }
      DockerSandbox opened =
          new DockerSandbox(settings, engine, run, rendezvous, attacher, runtime, why[0]);
      opened.reap();
      var _ = opened.image(settings.image());
      Thread.ofPlatform().daemon().name("berth-docker-events").start(opened::watch);
      opened.fill();
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

  /** The interpreter that workers import their dependencies with. */
  @Override
  public PythonInterpreter python() {
    return image(settings.image()).python();
  }

  private DockerImage image(String name) {
    DockerImage known = images.get(name);
    if (known == null) {
      known = DockerImage.find(engine, name);
      images.put(name, known);
    }
    return known;
  }

  private String imageOf(SandboxSpec spec) {
    if (spec.image().isEmpty()) {
      return settings.image();
    }
    if (!settings.pluginImages()) {
      throw new PluginException(
          ErrorCode.FORBIDDEN,
          "Plugin "
              + spec.plugin()
              + " wants to run in the image "
              + spec.image()
              + ", which this host does not allow. Serve with --docker-plugin-images if you trust"
              + " it, or ask its author for a version without docker_image.");
    }
    return spec.image();
  }

  /** Removes the containers of this data folder: whoever made them is dead. */
  private void reap() {
    String filter =
        DockerEngine.encoded("{\"label\":[\"" + LABEL + ".installation=" + installation + "\"]}");
    for (JsonNode row : engine.get("/containers/json?all=1&filters=" + filter).body()) {
      String id = row.path("Id").asString();
      log.info("docker: removing {} of an earlier run", row.path("Names").path(0).asString(id));
      var _ = engine.delete("/containers/" + id + "?force=1&v=1");
    }
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
    String name = imageOf(spec);
    engine.ping(); // within seconds, so that nobody waits for one that stands still
    DockerWorker worker = null;
    startsAtOnce.acquireUninterruptibly();
    try {
      worker = take(name);
      if (worker == null) {
        worker = make(image(name), spec);
      }
      give(worker, spec);
      return worker;
    } catch (PluginException e) {
      if (worker != null) {
        discard(worker);
      }
      throw e;
    } finally {
      startsAtOnce.release();
      fill();
    }
  }

  private @Nullable DockerWorker take(String image) {
    if (attacher == null || !image.equals(settings.image())) {
      return null;
    }
    synchronized (parked) {
      DockerWorker worker = parked.poll();
      while (worker != null && worker.exited().isDone()) {
        worker = parked.poll();
      }
      return worker;
    }
  }

  /** Makes a parked container a plugin's. */
  private void give(DockerWorker worker, SandboxSpec spec) {
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
    } catch (java.util.concurrent.CompletionException e) {
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
      throw notStarted("its limits could not be set: " + answer.message(), null);
    }
  }

  /** The old worker of an update may have the name still; then the generation tells them apart. */
  private void name(DockerWorker worker, SandboxSpec spec) {
    String name = spec.plugin().value();
    String path = "/containers/" + worker.container() + "/rename?name=";
    DockerEngine.Answer answer = engine.post(path + name, null);
    if (answer.status() == 409) {
      answer = engine.post(path + name + "_" + spec.generation(), null);
    }
    if (!answer.ok()) {
      throw notStarted("its container could not be named: " + answer.message(), null);
    }
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
    return (long)
            Math.min(dev.berth.api.ResourceLimits.DEFAULT.memoryMb(), settings.maximum().memoryMb())
        << 20;
  }

  private int usualShares() {
    return Math.min(
        dev.berth.api.ResourceLimits.DEFAULT.cpuShares(), settings.maximum().cpuShares());
  }

  /**
   * Makes and starts a container, and waits until its worker has connected.
   *
   * @param spec whose folders to show where nothing can be mounted later; null for a container to
   *     be parked
   */
  private DockerWorker make(DockerImage image, @Nullable SandboxSpec spec) {
    int number = made.incrementAndGet();
    boolean mountsLater = attacher != null;
    int user = FIRST_USER + number % USERS;
    byte[] token = new byte[TOKEN_BYTES];
    random.nextBytes(token);
    Path secret = scratch.resolve("token" + number);
    Rendezvous.Guest guest = rendezvous.expect(token, mountsLater ? principal(user) : ownUser);
    String container = "";
    DockerWorker worker = null;
    try {
      // Read through the mount by whatever uid the container has; the folder around it is ours.
      Files.write(
          secret,
          HexFormat.of().formatHex(token).getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("r--r--r--"));
      ContainerRequest request = request(image, user, secret, mountsLater ? null : spec);
      String name = "berth_" + installation + "_" + boot.substring(0, 8) + "_" + number;
      DockerEngine.Answer created = engine.post("/containers/create?name=" + name, request.body());
      if (!created.ok()) {
        throw notStarted("the engine made no container: " + created.message(), null);
      }
      container = created.body().path("Id").asString();
      worker = new DockerWorker(engine, container, user, guest, request.memoryBytes());
      workers.put(container, worker);
      String id = container;
      var _ = worker.exited().whenComplete((_, _) -> workers.remove(id));
      DockerEngine.Answer started = engine.post("/containers/" + container + "/start", null);
      if (!started.ok()) {
        throw notStarted("the engine did not start its container: " + started.message(), null);
      }
      JsonNode state = engine.get("/containers/" + container + "/json").body().path("State");
      worker.started(engine.local() ? state.path("Pid").asLong(0) : 0);
      if (!state.path("Running").asBoolean(false)) {
        worker.ended(state.path("ExitCode").asInt(-1));
      }
      CompletableFuture.anyOf(guest.arrived(), worker.exited())
          .get(START_SECONDS, TimeUnit.SECONDS);
      if (!guest.arrived().isDone()) {
        throw notStarted(
            "its container " + worker.exited().join().describe() + " before it connected", null);
      }
      return worker;
    } catch (IOException | ExecutionException | TimeoutException e) {
      discard(worker, guest, container);
      throw notStarted(String.valueOf(e), e);
    } catch (InterruptedException e) {
      discard(worker, guest, container);
      Thread.currentThread().interrupt();
      throw notStarted("interrupted", e);
    } catch (PluginException e) {
      discard(worker, guest, container);
      throw e;
    } finally {
      try {
        Files.deleteIfExists(secret); // spent: a token is good for one connection of each kind
      } catch (IOException e) {
        log.warn("{} can't be removed: {}", secret, e.toString());
      }
    }
  }

  private ContainerRequest request(
      DockerImage image, int user, Path secret, @Nullable SandboxSpec spec) throws IOException {
    List<Bind> binds = new ArrayList<>();
    binds.add(new Bind(runtime.toString(), "/runtime", false));
    binds.add(new Bind(rendezvous.path().toString(), "/run/berth/host.sock", true));
    binds.add(new Bind(secret.toString(), "/run/berth/token", false));
    String who = user + ":" + user;
    if (spec == null) {
      binds.add(new Bind(scratch.resolve("place").toString(), "/run/egress.sock", false));
    } else {
      Files.createDirectories(spec.dataDir());
      who =
          Files.getAttribute(run.path(), "unix:uid")
              + ":"
              + Files.getAttribute(run.path(), "unix:gid");
      for (Mount mount : mounts(spec)) {
        binds.add(
            new Bind(mount.source().toString(), mount.target(), !mount.access().equals("read")));
      }
    }
    return new ContainerRequest(
        image.id(),
        image.python().executable().toString(),
        who,
        spec == null ? usualMemory() : memory(spec),
        spec == null ? usualShares() : shares(spec),
        settings.maxCpus(),
        settings.maxPids(),
        settings.maxOpenFiles(),
        DockerIsolation.coreLimit(),
        settings.tmpMb(),
        seccomp,
        image.environment(),
        binds,
        Map.of(LABEL + ".installation", installation, LABEL + ".boot", boot),
        isolatingRuntime);
  }

  private static UserPrincipal principal(int uid) {
    try {
      return FileSystems.getDefault()
          .getUserPrincipalLookupService()
          .lookupPrincipalByName(Integer.toString(uid));
    } catch (IOException e) {
      throw notStarted("there is no uid " + uid, e);
    }
  }

  private static PluginException notStarted(String why, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.PLUGIN_START_FAILED, "The Docker sandbox did not start: " + why, cause);
  }

  private void discard(@Nullable DockerWorker worker, Rendezvous.Guest guest, String container) {
    rendezvous.dismiss(guest);
    if (worker != null) {
      discard(worker);
    } else if (!container.isEmpty()) {
      var _ = engine.delete("/containers/" + container + "?force=1");
    }
  }

  /** Kills and removes it, and waits for that. */
  private void discard(DockerWorker worker) {
    rendezvous.dismiss(worker.guest());
    if (worker.guest().arrived().isDone() && !worker.guest().arrived().isCancelled()) {
      Rendezvous.close(worker.channel());
      Rendezvous.close(worker.output());
    }
    try {
      if (engine.delete("/containers/" + worker.container() + "?force=1").ok()) {
        worker.ended(137);
      }
    } catch (PluginException e) {
      worker.kill();
    }
    awaitEnd(worker);
  }

  private static void awaitEnd(DockerWorker worker) {
    try {
      worker.exited().get(END_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.error("Container {} did not end", worker.container(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes waiting containers until there are enough, one at a time, in the background. */
  private void fill() {
    if (attacher == null) {
      return;
    }
    synchronized (parked) {
      if (filling || closed || parked.size() >= settings.parked()) {
        return;
      }
      filling = true;
    }
    Thread.ofVirtual().name("berth-park").start(this::fillUp);
  }

  private void fillUp() {
    try {
      while (true) {
        DockerWorker worker = make(image(settings.image()), null);
        synchronized (parked) {
          if (!closed) {
            parked.add(worker);
            worker = null;
          }
          if (closed || parked.size() >= settings.parked()) {
            filling = false;
            if (worker == null) {
              return;
            }
          }
        }
        if (worker != null) {
          discard(worker);
          return;
        }
      }
    } catch (PluginException e) {
      if (!closed) {
        log.warn("docker: no container is waiting for its plugin: {}", e.getMessage());
      }
      synchronized (parked) {
        filling = false; // the next start tries again
      }
    }
  }

  /** Follows what the engine says of our containers, for as long as this is open. */
  private void watch() {
    String filter =
        DockerEngine.encoded(
            "{\"type\":[\"container\"],\"event\":[\"die\",\"oom\",\"destroy\"],\"label\":[\""
                + LABEL
                + ".boot="
                + boot
                + "\"]}");
    long pause = 50;
    while (!closed) {
      try {
        engine.stream(
            org.eclipse.jetty.http.HttpMethod.GET,
            "/events?filters=" + filter,
            () -> Thread.ofVirtual().start(this::takeStock),
            this::heard);
        pause = 50;
      } catch (RuntimeException e) {
        if (!closed) {
          log.debug("docker: events are interrupted: {}", e.toString());
        }
      }
      try {
        Thread.sleep(pause); // there is nothing to wait for but the engine's return
      } catch (InterruptedException e) {
        return;
      }
      pause = Math.min(1000, pause * 2);
    }
  }

  private void heard(JsonNode event) {
    DockerWorker worker =
        workers.get(event.path("Actor").path("ID").asString(event.path("id").asString("")));
    if (worker == null) {
      return;
    }
    switch (event.path("Action").asString(event.path("status").asString(""))) {
      case "oom" -> worker.metMemoryLimit();
      case "die" ->
          worker.ended(event.path("Actor").path("Attributes").path("exitCode").asInt(137));
      case "destroy" -> worker.ended(137);
      default -> log.debug("docker: {}", event);
    }
  }

  /** What ended while nobody listened. */
  private void takeStock() {
    for (DockerWorker worker : List.copyOf(workers.values())) {
      try {
        DockerEngine.Answer answer = engine.get("/containers/" + worker.container() + "/json");
        JsonNode state = answer.body().path("State");
        String status = state.path("Status").asString("");
        if (answer.status() == 404) {
          worker.ended(137);
        } else if (status.equals("exited") || status.equals("dead")) {
          worker.ended(state.path("ExitCode").asInt(137));
        }
      } catch (PluginException e) {
        return; // gone again; the next connection takes stock anew
      }
    }
    fill();
  }

  @Override
  public void close() {
    List<DockerWorker> ending;
    synchronized (parked) {
      if (closed) {
        return;
      }
      closed = true;
      parked.clear();
    }
    ending = List.copyOf(workers.values());
    try (var all = java.util.concurrent.Executors.newVirtualThreadPerTaskExecutor()) {
      ending.forEach(worker -> all.execute(() -> discard(worker)));
    }
    try {
      reap();
    } catch (PluginException e) {
      log.warn(
          "docker: containers may be left and are removed at the next start: {}", e.getMessage());
    }
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
