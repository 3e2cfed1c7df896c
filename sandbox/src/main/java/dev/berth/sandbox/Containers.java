package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.ContainerRequest.Bind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The containers of one host: makes them and ends them, also those that an earlier host left. Of
 * ends that come by themselves {@link ContainerEvents} hears; what nobody has any more is {@link
 * ContainerSweep}'s to remove.
 */
final class Containers implements AutoCloseable {
  static final String LABEL = "dev.berth";
  private static final Logger log = LoggerFactory.getLogger(Containers.class);
  private static final int START_SECONDS = 60;
  private static final int END_SECONDS = 20;
  private static final int REMOVAL_SECONDS = 5;
  private static final int TOKEN_BYTES = 32;
  private static final long SOCKET_BYTES = 16L << 20;

  /**
   * Where the uids of containers whose plugin isn't known begin; the process sandbox has others.
   */
  private static final int FIRST_USER = 270_000;

  private static final int USERS = 65_536;

  /** What a container is made with. */
  record Shape(DockerImage image, Allowance allowance) {}

  /** Whose a container is: its uid and gid, and the folders it has from its beginning. */
  record Owner(int user, int group, List<Bind> folders) {}

  private final DockerSandboxSettings settings;
  private final DockerEngine engine;
  private final Path run;
  private final Path runtime;
  private final Path scratch;
  private final String installation;
  private final String boot = UUID.randomUUID().toString();
  private final String seccomp = SeccompProfile.docker();
  private final SecureRandom random = new SecureRandom();
  private final AtomicInteger made = new AtomicInteger();
  private final Map<String, DockerWorker> workers = new ConcurrentHashMap<>();
  private final ContainerEvents events;
  private final ContainerSweep sweep;
  private volatile EngineRuntime engineRuntime = EngineRuntime.DEFAULT;
  private volatile long socketBytes;
  private volatile boolean closed;

  Containers(DockerSandboxSettings settings, DockerEngine engine, RunFolder run, Path runtime)
      throws IOException {
    this.settings = settings;
    this.engine = engine;
    this.run = run.path();
    this.runtime = runtime;
    this.installation = run.installation();
    this.events = new ContainerEvents(engine, boot, workers);
    this.sweep = new ContainerSweep(engine, boot, workers);
    this.scratch = Files.createDirectories(run.path().resolve("docker"));
    try (var left = Files.list(scratch)) {
      for (Path file : left.toList()) {
        Files.delete(file); // a dead host's tokens
      }
    }
    Files.write(scratch.resolve("place"), new byte[0]);
  }

  /** Use this runtime of the engine's from now on. */
  void use(EngineRuntime runtimeOfEngine) {
    engineRuntime = runtimeOfEngine;
  }

  /** Bound what sockets hold from now on, where the engine doesn't count it as memory. */
  void limitSockets(boolean apart) {
    socketBytes = apart ? SOCKET_BYTES : 0;
  }

  /**
   * Begins to follow the engine.
   *
   * @param engineIsBack called each time the engine answers after it did not
   */
  void watch(Runnable engineIsBack) {
    events.follow(() -> {
      sweep.soon();
      engineIsBack.run();
    });
  }

  /** Removes the containers of this data folder: whoever made them is dead. */
  void reap() {
    for (JsonNode row : sweep.list("installation", installation)) {
      String id = row.path("Id").asString();
      log.info("docker: removing {} of an earlier run", row.path("Names").path(0).asString(id));
      var _ = engine.remove(id);
    }
  }

  /**
   * Makes and starts a container, and waits until its worker has connected.
   *
   * @param owner null for one whose folders come later, from outside
   * @throws PluginException {@code sandbox_unavailable}, {@code plugin_start_failed}; no container
   *     is left then, or it is removed as soon as the engine answers
   */
  DockerWorker make(Shape shape, @Nullable Owner owner) {
    int number = made.incrementAndGet();
    String name = "berth_" + installation + "_" + boot.substring(0, 8) + "_" + number;
    int user = owner == null ? FIRST_USER + number % USERS : owner.user();
    int group = owner == null ? user : owner.group();
    byte[] token = new byte[TOKEN_BYTES];
    random.nextBytes(token);
    Path secret = scratch.resolve("token" + number);
    sweep.spare(name);
    DockerWorker worker = null;
    boolean complete = false;
    // The container's own, closed once its worker has come: its plugin must find nobody there.
    try (Rendezvous rendezvous = Rendezvous.open(run)) {
      UserPrincipal from = engineRuntime.isolating() ? null : HostUser.principal(user);
      Rendezvous.Guest guest = rendezvous.expect(token, from);
      // Read through the mount by whatever uid the container has; the folder around it is ours.
      String hex = HexFormat.of().formatHex(token);
      Files.writeString(secret, hex, StandardCharsets.US_ASCII);
      Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("r--r--r--"));
      ContainerRequest request = request(shape, user + ":" + group, rendezvous, secret, owner);
      worker = create(name, request, user, shape.allowance(), guest);
      start(worker);
      CompletableFuture.anyOf(guest.arrived(), worker.exited())
          .get(START_SECONDS, TimeUnit.SECONDS);
      if (!guest.arrived().isDone()) {
        throw endedEarly(worker.exited().join().describe() + " before it connected");
      }
      complete = true;
      return worker;
    } catch (IOException | ExecutionException | TimeoutException e) {
      throw unavailable(String.valueOf(e), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unavailable("interrupted", e);
    } finally {
      sweep.spareNoLonger(name);
      if (!complete) {
        if (worker == null) {
          sweep.soon(); // the engine may make it yet
        } else {
          discard(worker);
        }
      }
      try {
        Files.deleteIfExists(secret); // spent: a token is good for one connection of each kind
      } catch (IOException e) {
        log.warn("{} can't be removed: {}", secret, e.toString());
      }
    }
  }

  private DockerWorker create(
      String name,
      ContainerRequest request,
      int user,
      Allowance allowance,
      Rendezvous.Guest guest) {
    DockerEngine.Answer created = engine.post("/containers/create?name=" + name, request.body());
    if (!created.ok()) {
      String why = "it made no container: " + created.message();
      throw created.status() < 500 ? notStarted(why) : engine.unavailable(why, null);
    }
    String id = created.body().path("Id").asString();
    var worker = new DockerWorker(engine, id, user, guest, allowance, sweep::soon);
    workers.put(id, worker);
    var _ = worker.removed().thenRun(() -> workers.remove(id));
    return worker;
  }

  private void start(DockerWorker worker) {
    String path = "/containers/" + worker.container();
    DockerEngine.Answer started = engine.post(path + "/start", null);
    if (!started.ok()) {
      throw engine.unavailable("it did not start a container: " + started.message(), null);
    }
    JsonNode state = engine.get(path + "/json").body().path("State");
    if (!state.path("Running").asBoolean(false)) {
      worker.ended(state.path("ExitCode").asInt(-1));
    } else if (!worker.started(state.path("Pid").asLong(0))) {
      throw unavailable(
          "its process is not on this machine. Use an engine that runs beside Berth", null);
    }
  }

  private ContainerRequest request(
      Shape shape, String who, Rendezvous rendezvous, Path secret, @Nullable Owner owner) {
    List<Bind> binds = new ArrayList<>();
    boolean shown = // in a view already, where there is one
        owner != null
            && owner.folders().stream().anyMatch(b -> b.target().equals(ContainerFolders.RUNTIME));
    if (!shown) {
      binds.add(new Bind(runtime.toString(), ContainerFolders.RUNTIME, false));
    }
    binds.add(new Bind(rendezvous.path().toString(), "/run/berth/host.sock", true));
    binds.add(new Bind(secret.toString(), "/run/berth/token", false));
    if (owner == null) {
      binds.add(new Bind(scratch.resolve("place").toString(), "/run/egress.sock", false));
    } else {
      binds.addAll(owner.folders());
    }
    return new ContainerRequest(
        shape.image().id(),
        shape.image().python().executable().toString(),
        who,
        shape.allowance().memoryBytes(),
        shape.allowance().cpuShares(),
        settings.ceilings(),
        DockerIsolation.coreLimit(),
        seccomp,
        shape.image().environment(),
        shape.image().volumes(),
        binds,
        Map.of(LABEL + ".installation", installation, LABEL + ".boot", boot),
        engineRuntime.name(),
        socketBytes);
  }

  static PluginException notStarted(String why) {
    return new PluginException(
        ErrorCode.PLUGIN_START_FAILED, "The Docker sandbox did not start: " + why + ".");
  }

  /** Before a plugin's code could have had a part in it. */
  static PluginException unavailable(String why, @Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        "The Docker sandbox did not start: " + why + ". `berth logs` may say more.",
        cause);
  }

  /**
   * A container ended by itself before it was a plugin's. An engine that ends takes its containers
   * with it, and then is what to tell of.
   *
   * @param how one clause, e.g. {@code ended with 1}
   */
  PluginException endedEarly(String how) {
    try {
      engine.ping();
    } catch (PluginException e) {
      return e;
    }
    return unavailable("its container " + how, null);
  }

  /** What to say of the engine's refusal to change a container. */
  PluginException refused(DockerEngine.Answer answer, String what) {
    return answer.status() < 500 && answer.status() != 404 && answer.status() != 409
        ? notStarted(what + answer.message())
        : engine.unavailable(what + answer.message(), null);
  }

  /** Kills and removes it, and waits for that. */
  void discard(DockerWorker worker) {
    worker.guest().disconnect();
    worker.kill();
    if (worker.pid() == 0) {
      worker.ended(137); // never seen to run: the engine has no end of it to tell
    }
    try {
      worker.exited().get(END_SECONDS, TimeUnit.SECONDS);
      if (closed) {
        worker.removed().get(END_SECONDS / 2, TimeUnit.SECONDS);
      }
    } catch (ExecutionException | TimeoutException e) {
      log.error("Container {} did not end", worker.container(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The one of ours that has this name with the engine; null when there is none. */
  @Nullable DockerWorker named(String name) {
    return workers.values().stream()
        .filter(worker -> worker.name().equals(name))
        .findFirst()
        .orElse(null);
  }

  /** Waits, though not for long, until the engine has removed those that have ended. */
  void awaitRemovals() {
    CompletableFuture.allOf(
            workers.values().stream()
                .filter(worker -> worker.exited().isDone())
                .map(DockerWorker::removed)
                .toArray(CompletableFuture<?>[]::new))
        .completeOnTimeout(null, REMOVAL_SECONDS, TimeUnit.SECONDS)
        .join();
  }

  /** Ends all of them. */
  @Override
  public void close() {
    closed = true;
    events.close();
    sweep.close();
    try (ExecutorService all = Executors.newVirtualThreadPerTaskExecutor()) {
      List.copyOf(workers.values()).forEach(worker -> all.execute(() -> discard(worker)));
    }
    try {
      reap();
    } catch (PluginException e) {
      log.warn(
          "docker: containers may be left and are removed at the next start: {}", e.getMessage());
    }
  }
}
