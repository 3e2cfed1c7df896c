package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.SandboxExit;
import dev.berth.api.TenantId;
import dev.berth.api.WorkerState;
import dev.berth.host.lifecycle.RestartPolicy.Next;
import dev.berth.host.store.PluginRow;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps one plugin's worker as the operator wants it. What is wanted ({@link PluginState}) and what
 * is seen ({@link WorkerState}) are kept apart; {@link #reconcile} brings the second to the first.
 *
 * <p>Two locks. The {@link OperationLock} is held for a whole enable, update, restart and so on, so
 * that one of them is under way at a time. The monitor guards the fields and which worker {@link
 * Intake} turns to, and is never held while anything is waited for. Calls take neither: they are
 * the intake's.
 */
final class Supervisor {
  private static final Logger LOG = LoggerFactory.getLogger(Supervisor.class);

  /** Why a start fails when no worker can be had, whatever the plugin does. */
  private static final Set<ErrorCode> NO_WORKER =
      EnumSet.of(
          ErrorCode.SANDBOX_UNAVAILABLE,
          ErrorCode.SANDBOX_TOO_WEAK,
          ErrorCode.IMAGE_NOT_ALLOWED,
          ErrorCode.DEPENDENCY_INDEX_UNREACHABLE,
          ErrorCode.DEPENDENCY_TOOL_MISSING);

  private final Engine engine;
  private final RestartPolicy policy;
  private final PluginLog log;
  private final PluginErrors errors;
  private final CallStats stats = new CallStats(System::nanoTime);
  private final Traffic traffic = new Traffic();
  private final Standing standing;
  private final Intake intake;
  private final OperationLock operations;
  private final Generations generations;

  private volatile WorkerState observed = new WorkerState.Stopped();
  private volatile @Nullable HealthMonitor health;

  // Guarded by this.
  private @Nullable Future<?> pendingRestart;
  private int undecided; // ends of workers of which it is not decided yet what follows

  Supervisor(Engine engine, PluginRow row, PluginLog log, PluginErrors errors) {
    this.engine = engine;
    this.log = log;
    this.errors = errors;
    this.policy =
        new RestartPolicy(
            engine.timings().restarts(), () -> ThreadLocalRandom.current().nextDouble());
    this.standing = new Standing(row);
    this.intake = new Intake(standing, stats, engine.timer());
    this.operations = new OperationLock(standing, engine.timings().busy());
    this.generations = new Generations(engine, policy, log, errors, traffic);
  }

  PluginId id() {
    return row().id();
  }

  TenantId tenant() {
    return row().tenant();
  }

  PluginRow row() {
    return standing.row();
  }

  String label() {
    return LaunchPlan.label(row());
  }

  PluginState desired() {
    return row().state();
  }

  WorkerState observed() {
    return observed;
  }

  PluginLog log() {
    return log;
  }

  PluginErrors errors() {
    return errors;
  }

  CallStats stats() {
    return stats;
  }

  Traffic traffic() {
    return traffic;
  }

  @Nullable Worker running() {
    return intake.worker();
  }

  @Nullable HealthMonitor health() {
    return health;
  }

  String lastFailure() {
    return standing.lastFailure();
  }

  int waitingCalls() {
    return intake.waiting();
  }

  CompletableFuture<ExecutionResult> execute(ExecutionRequest request) {
    return intake.execute(request);
  }

  // ---- Operations: one at a time ----

  /**
   * Runs an operation while no other on this plugin is under way. A restart that is under way is
   * given up for it, and taken up again after it where still needed.
   *
   * @param what one word for the others' message, e.g. {@code updated}
   * @param work gets what its {@link #launch} goes by
   * @throws PluginException {@code plugin_busy}, {@code plugin_not_found}, {@code shutting_down}
   */
  <T> T exclusively(String what, Function<Launcher.Attempt, T> work) {
    try {
      return operations.exclusively(what, work);
    } finally {
      settle();
    }
  }

  /**
   * The same, for what ends the plugin's running: a start that another operation waits for is given
   * up too, and its caller told so.
   */
  <T> T overruling(String what, Supplier<T> work) {
    try {
      return operations.overruling(what, work);
    } finally {
      settle();
    }
  }

  /** See {@link OperationLock#end}. */
  void endOperations(PluginException why) {
    operations.end(why);
  }

  /**
   * Launches a worker that gets no calls yet. The operation's lock is held.
   *
   * @param underWay see {@link Launcher#launch}
   * @throws PluginException what {@link Launcher#launch} throws; no process is left then
   */
  Worker launch(LaunchPlan plan, Launcher.Attempt under, Runnable underWay) {
    Worker worker = generations.next(plan, running(), under, underWay);
    PluginException givenUp = operations.started(under);
    if (givenUp != null) {
      worker.kill(givenUp);
      throw givenUp;
    }
    return worker;
  }

  /** The same, for a caller that does nothing besides. */
  Worker launch(LaunchPlan plan, Launcher.Attempt under) {
    return launch(plan, under, () -> {});
  }

  /** The operator wants it and asked now: earlier crashes are forgotten. */
  void freshStart() {
    policy.reset();
    standing.hasSandbox();
    stats.reset();
    traffic.reset();
    standing.failed("");
  }

  /**
   * Gives the calls to a worker, and those that wait.
   *
   * @return the worker that had them until now, which is the caller's to stop
   * @throws PluginException {@code shutting_down} and the like; the worker is killed then
   */
  @Nullable Worker takeOver(Worker worker) {
    PluginException end;
    Worker before = null;
    synchronized (this) {
      end = standing.ended();
      if (end == null) {
        before = running();
        cancelRestart();
        standing.becomes(worker.plan().row());
        standing.hasSandbox();
        observed = new WorkerState.Running(worker.since());
        stopHealth();
        if (worker.checksHealth()) {
          health = new HealthMonitor(worker, engine.timings(), engine.timer(), engine.pulse());
          health.start();
        }
        intake.turnTo(worker);
      }
    }
    if (end != null) {
      worker.kill(end);
      throw end;
    }
    log.fromHost(
        "INFO", "version " + worker.version() + " is running (worker " + worker.generation() + ")");
    CompletableFuture<Void> _ =
        worker.closed().thenAcceptAsync(why -> gone(worker, why), engine.background());
    intake.letIn();
    return before;
  }

  /**
   * Takes the calls from the worker: new ones are refused from now on.
   *
   * @param end set when the plugin or the host comes to its end; what calls and operations get then
   * @return the worker, which is the caller's to stop; null when there was none
   */
  @Nullable Worker withdraw(PluginRow now, @Nullable PluginException end) {
    Worker worker;
    synchronized (this) {
      cancelRestart();
      standing.ends(end);
      if (end != null) {
        operations.giveUpStart(end);
      }
      standing.becomes(now);
      standing.hasSandbox();
      worker = running();
      intake.turnAway();
      stopHealth();
      observed = worker == null ? new WorkerState.Stopped() : new WorkerState.Draining();
    }
    intake.refuseIfDue();
    return worker;
  }

  /** The worker that was withdrawn is gone. */
  synchronized void stopped() {
    if (running() == null) {
      observed = new WorkerState.Stopped();
    }
  }

  /** Another row, no other worker: settings of a plugin that doesn't run, say. */
  synchronized void becomes(PluginRow now) {
    standing.becomes(now);
  }

  private void stopHealth() {
    HealthMonitor old = health;
    if (old != null) {
      old.stop();
    }
    health = null;
  }

  private void cancelRestart() {
    if (pendingRestart != null) {
      pendingRestart.cancel(false);
      pendingRestart = null;
    }
  }

  // ---- Reconciling ----

  /** Sees that a worker is started, soon, if there should be one and nobody is about it. */
  synchronized void settle() {
    if (lacksWorker() && pendingRestart == null && undecided == 0 && operations.none()) {
      restartAfter(Duration.ZERO);
    }
  }

  private boolean lacksWorker() {
    return desired() instanceof PluginState.Enabled
        && running() == null
        && standing.ended() == null;
  }

  private synchronized void restartAfter(Duration delay) {
    cancelRestart();
    if (lacksWorker()) {
      if (!(observed instanceof WorkerState.Crashed)) {
        observed = new WorkerState.Starting();
      }
      pendingRestart = engine.timer().after(delay, this::reconcile);
    }
  }

  /** Starts the worker if there should be one and is none. Blocks. */
  void reconcile() {
    try (Starts.Turn turn = engine.starts().take()) {
      synchronized (this) {
        pendingRestart = null;
      }
      // Does nothing while an operation is under way: others want the turn, and it settles this.
      operations.yielding("started", new Launcher.Attempt(turn), this::restart);
    } finally {
      settle();
    }
  }

  private void restart(Launcher.Attempt under) {
    synchronized (this) {
      if (!lacksWorker()) {
        return;
      }
      observed = new WorkerState.Starting();
    }
    start(under);
  }

  private void start(Launcher.Attempt under) {
    try {
      Worker before = takeOver(launch(engine.plans().plan(row(), under), under));
      if (before != null) {
        throw new IllegalStateException(label() + " had two workers");
      }
    } catch (PluginException e) {
      notStarted(under, e);
    } catch (RuntimeException e) { // A fault of ours is no reason to try again without a pause.
      LOG.error("{} could not be started", label(), e);
      notStarted(
          under,
          new PluginException(ErrorCode.INTERNAL, label() + " could not be started: " + e, e));
    }
  }

  private void notStarted(Launcher.Attempt under, PluginException why) {
    if (under.givenUp() != null) {
      return; // An operation wants its place; it sees to what follows.
    }
    standing.failed(why.getMessage());
    if (NO_WORKER.contains(why.code())) {
      refuseFor(why);
    }
    Next next = policy.startFailed(why.code());
    log.fromHost("ERROR", why.getMessage());
    follow(next, why.getMessage());
  }

  /** No worker can be had for now: calls are told so at once, until one is there again. */
  private void refuseFor(PluginException why) {
    synchronized (this) {
      if (running() != null) {
        return;
      }
      standing.hasNoSandbox(why);
    }
    intake.refuseIfDue();
  }

  /** A worker's conversation is over. Runs in the background. */
  private void gone(Worker worker, PluginException why) {
    SandboxExit exit = worker.exit(engine.timings().exitReason());
    worker.killSoon(); // It may have closed its socket and live on.
    Next next;
    synchronized (this) {
      if (running() != worker) {
        worker.verdict().complete(CrashReport.of(label(), id().value(), exit, null));
        return;
      }
      intake.turnAway();
      stopHealth();
      observed = exit == null ? new WorkerState.Starting() : new WorkerState.Crashed(exit);
      next = policy.crashed(System.nanoTime(), worker.upNanos());
      policy.died(System.nanoTime(), why.code());
      undecided++;
    }
    try {
      errors.add(Incident.ofCrash(why, exit, worker.version(), log.redactor()));
      PluginException verdict = CrashReport.of(label(), id().value(), exit, next);
      worker.verdict().complete(verdict);
      boolean crashed = why.code() == ErrorCode.PLUGIN_CRASHED;
      String cause = crashed ? verdict.getMessage() : why.getMessage();
      standing.failed(cause);
      log.fromHost("ERROR", cause);
      follow(next, cause);
    } finally {
      synchronized (this) {
        undecided--;
      }
      settle();
    }
  }

  private void follow(Next next, String cause) {
    switch (next) {
      case Next.Restart(Duration after) -> {
        stats.restarted();
        restartAfter(after);
      }
      case Next.GiveUp(String why) -> giveUp(why + ". The last time: " + cause);
    }
  }

  private void giveUp(String reason) {
    operations.whenFree(() -> {
      if (!lacksWorker()) {
        return;
      }
      var failed = new PluginState.Failed(reason);
      PluginRow now = engine.keeper().failed(row(), failed);
      log.fromHost("CRITICAL", "given up: " + reason);
      if (withdraw(now, null) != null) {
        throw new IllegalStateException(label() + " had a worker when it was given up");
      }
    });
  }
}
