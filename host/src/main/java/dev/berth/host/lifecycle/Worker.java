package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginStats;
import dev.berth.api.ResourceLimits;
import dev.berth.api.SandboxExit;
import dev.berth.channel.ChannelListener;
import dev.berth.channel.Fault;
import dev.berth.channel.WorkerChannel;
import dev.berth.sandbox.Ceilings;
import dev.berth.sandbox.DataVolume;
import dev.berth.sandbox.ResourceUsage;
import dev.berth.sandbox.SandboxProcess;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * One sandboxed process of a plugin and the conversation with it. A worker lives once: what comes
 * after it is another one, with a generation of its own.
 */
final class Worker implements ChannelListener {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();
  private static final Duration KILL = Duration.ofSeconds(10);
  private static final Duration LEAVE = Duration.ofMillis(250);

  private final LaunchPlan plan;
  private final int generation;
  private final SandboxProcess process;
  private final PluginLog log;
  private final PluginErrors errors;
  private final Ceilings ceilings;
  private final long dataFiles;
  private final Gate gate = new Gate();
  private final Instant since = Instant.now();
  private final long upNanos = System.nanoTime();
  private final CompletableFuture<PluginException> closed = new CompletableFuture<>();
  private final CompletableFuture<PluginException> verdict = new CompletableFuture<>();
  private final CpuMeter cpu = new CpuMeter(System::nanoTime);
  private final Duration callLimit;
  private @Nullable WorkerChannel opened;
  private volatile @Nullable SandboxExit imposed;
  private volatile @Nullable Consumer<Worker> watcher;
  private volatile boolean retiring;
  private volatile boolean introduced;
  private volatile @Nullable Fault startFault;
  private boolean checksHealth;

  Worker(
      LaunchPlan plan,
      int generation,
      SandboxProcess process,
      PluginLog log,
      PluginErrors errors,
      Ceilings ceilings) {
    this.plan = plan;
    this.generation = generation;
    this.process = process;
    this.log = log;
    this.errors = errors;
    this.ceilings = ceilings;
    this.dataFiles = DataVolume.files(plan.data());
    this.callLimit = plan.pack().manifest().resources().timeout();
  }

  /** Gives it its conversation; once, before anything else. */
  void speaks(WorkerChannel channel) {
    opened = channel;
  }

  LaunchPlan plan() {
    return plan;
  }

  /** Its plugin's. */
  String version() {
    return plan.row().version();
  }

  int generation() {
    return generation;
  }

  /** Its first process, in the host's numbering. */
  long pid() {
    return process.pid();
  }

  Instant since() {
    return since;
  }

  long upNanos() {
    return System.nanoTime() - upNanos;
  }

  WorkerChannel channel() {
    WorkerChannel channel = opened;
    if (channel == null) {
      throw new IllegalStateException("no channel yet");
    }
    return channel;
  }

  ResourceUsage usage() {
    return process.usage();
  }

  double cpuPercent(ResourceUsage usage) {
    return cpu.percent(usage.cpuNanos());
  }

  /** To be called every {@link CpuMeter#EVERY}. */
  void sampleCpu() {
    cpu.sample(process.cpuNanos());
  }

  /** What its figures may come to. */
  PluginStats.Limits limits() {
    ResourceLimits own = plan.pack().manifest().resources();
    return new PluginStats.Limits(
        100 * ceilings.cpus(),
        (long) own.memoryMb() << 20,
        ceilings.pids(),
        plan.dataBytes(),
        own.timeoutSeconds());
  }

  /** It is initialised; {@code hello} is what it said of itself. */
  void introduced(Json hello) {
    checksHealth = MAPPER.readTree(hello.toByteArray()).path("health").asBoolean(false);
    introduced = true;
  }

  /** What its plugin had to say of why it did not start; null when it said nothing. */
  @Nullable Fault startFault() {
    return startFault;
  }

  /** Whether its plugin has a {@code health_check}. */
  boolean checksHealth() {
    return checksHealth;
  }

  Duration callLimit() {
    return callLimit;
  }

  int inFlight() {
    return gate.inside();
  }

  /** Whether it takes calls now. */
  boolean takesCalls() {
    return gate.isOpen();
  }

  /** Whether it will take no calls any more. */
  boolean isClosed() {
    return gate.isClosed();
  }

  /** Gives it who is told when {@link #openUnlessSilent} may say something else than before. */
  void watchedBy(Consumer<Worker> intake) {
    watcher = intake;
  }

  /** Lets calls in as long as it shows signs of life. */
  boolean openUnlessSilent() {
    if (channel().isSilent()) {
      gate.pause();
      return false;
    }
    gate.resume();
    return true;
  }

  /**
   * A call's failure as its caller may see it: without secrets, and with the limit it met.
   *
   * @param asked the time that the caller set it; null for none
   */
  PluginException explained(PluginException failure, @Nullable Duration asked) {
    return LimitHint.of(log.redactor().redact(failure), plan, ceilings, dataFiles, asked);
  }

  /** A call is over. */
  void leave() {
    gate.exit();
  }

  /** Sends a call, or says that this worker takes none any more. */
  boolean submit(Call call) {
    if (!gate.enter()) {
      return false;
    }
    CompletableFuture<ExecutionResult> answer =
        channel().execute(call.context(), call.remaining(callLimit), call.listener());
    if (answer == null) { // Only a call that this worker never had may be another's.
      gate.close();
      gate.exit();
      return false;
    }
    call.enters(this);
    call.sent(answer);
    return true;
  }

  /** Completed when the conversation is over, with why. */
  CompletableFuture<PluginException> closed() {
    return closed;
  }

  /** Completed by its supervisor once it is known why it died and what happens next. */
  CompletableFuture<PluginException> verdict() {
    return verdict;
  }

  /** Whether the host is ending it in order. */
  boolean isRetiring() {
    return retiring;
  }

  /** How it ended, waiting {@code limit} for that; null when it is not known by then. */
  @Nullable SandboxExit exit(Duration limit) {
    SandboxExit by = imposed;
    if (by != null) {
      return by;
    }
    if (!Await.done(process.exited(), limit) || process.exited().isCompletedExceptionally()) {
      return null;
    }
    return process.exited().join();
  }

  /** Kills it for not answering. The supervisor hears of it as of any other crash. */
  void condemn(Duration waited, String why) {
    imposed = new SandboxExit.TimedOut(waited);
    gate.close();
    log.fromHost("ERROR", why);
    process.kill();
  }

  /**
   * Ends it in order: no new calls, the ones it has get {@code drain}, then {@code cleanup()} gets
   * {@code shutdown}, then every process of it is killed. Returns when none is left.
   *
   * @param cut what calls fail with that are still running then
   * @throws PluginException {@code sandbox_unavailable} when it can't be killed
   */
  void stop(Duration drain, Duration shutdown, PluginException cut) {
    retiring = true;
    gate.close();
    if (!Await.done(gate.whenEmpty(), drain)) {
      log.fromHost("WARNING", gate.inside() + " calls were still running and are cut off");
    }
    if (!closed.isDone()) {
      cleanUp(shutdown, cut);
    }
    kill(cut);
  }

  private void cleanUp(Duration limit, PluginException cut) {
    CompletableFuture<Void> cleanup = channel().shutdown(limit, cut);
    if (Await.done(cleanup, limit.plusSeconds(1))) {
      // It says goodbye before it exits; what it flushes on the way out is worth a moment.
      boolean _ = Await.done(process.exited(), LEAVE);
    }
    if (cleanup.isCompletedExceptionally()) {
      log.fromHost("WARNING", "cleanup(): " + cleanup.exceptionNow().getMessage());
    }
  }

  /**
   * Kills every process of it and returns when none is left.
   *
   * @param cut what calls fail with that are running
   */
  void kill(PluginException cut) {
    retiring = true;
    gate.close();
    process.kill();
    boolean gone = Await.done(process.exited(), KILL);
    if (opened != null) {
      channel().close(cut);
    }
    if (!gone) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          plan.label()
              + ": its worker (process "
              + process.pid()
              + ") could not be killed within "
              + KILL.toSeconds()
              + " s. Look at what holds it: `ps -o stat,wchan -p "
              + process.pid()
              + "`.");
    }
  }

  /** Kills it without waiting; for giving up a start from another thread. */
  void killSoon() {
    process.kill();
  }

  @Override
  public void onLog(long epochMillis, String level, String source, String logger, String message) {
    log.fromPlugin(epochMillis, level, source, logger, message);
  }

  @Override
  public void onLogsDropped(long count) {
    log.droppedElsewhere(count);
  }

  @Override
  public void onFault(Fault fault) {
    if (introduced) {
      errors.add(Incident.of(fault, version(), log.redactor()));
    } else {
      startFault = fault; // Whoever starts it says what became of that.
    }
  }

  @Override
  public void onSilence() {
    Consumer<Worker> intake = watcher;
    if (intake != null) {
      intake.accept(this);
    }
  }

  @Override
  public void onUnresponsive(PluginException why) {
    condemn(callLimit, why.getMessage());
  }

  @Override
  public void onClosed(PluginException why) {
    gate.close();
    // A worker whose socket ended is most likely on its way out: killed now, it would take the
    // reason
    // with it. Its supervisor gives it a moment.
    if (!retiring && why.code() != ErrorCode.PLUGIN_CRASHED) {
      process.kill();
    }
    closed.complete(why);
  }
}
