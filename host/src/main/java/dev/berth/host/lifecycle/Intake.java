package dev.berth.host.lifecycle;

import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A plugin's calls on their way in: each goes to the worker, waits while there is none, or is
 * refused where {@link Standing} says so.
 *
 * <p>Its monitor makes one step of finding neither a worker nor a refusal and of waiting. Whoever
 * changes either does so first and calls {@link #letIn} or {@link #refuseIfDue} then, and thus
 * misses no call. The supervisor's monitor may be held when this one is taken, never the other way
 * round. Calls don't take it on their ordinary way.
 */
final class Intake {
  private final Standing standing;
  private final CallStats stats;
  private final WaitingRoom waiting;
  private volatile @Nullable Worker worker;
  private volatile Duration callLimit = ResourceLimits.DEFAULT.timeout();

  Intake(Standing standing, CallStats stats, Timer timer) {
    this.standing = standing;
    this.stats = stats;
    this.waiting = new WaitingRoom(timer);
  }

  /** The one that has the calls; null when they wait or are refused. */
  @Nullable Worker worker() {
    return worker;
  }

  /** How many calls wait. */
  int waiting() {
    return waiting.size();
  }

  /** New calls go to this worker. Those that wait do so until {@link #letIn}. */
  synchronized void turnTo(Worker now) {
    callLimit = now.callLimit();
    now.watchedBy(this::regard);
    worker = now;
  }

  /** New calls go to no worker. */
  synchronized void turnAway() {
    worker = null;
  }

  /** Sends on the calls that wait. */
  void letIn() {
    List<Call> waited;
    synchronized (this) {
      waited = waiting.leave();
    }
    waited.forEach(this::dispatch);
  }

  /** Refuses the calls that wait, if calls are refused now. */
  void refuseIfDue() {
    PluginException refusal;
    List<Call> refused;
    synchronized (this) {
      refusal = standing.refusal();
      refused = refusal == null ? List.of() : waiting.leave();
    }
    if (refusal != null) {
      refused.forEach(call -> call.fail(refusal));
    }
  }

  CompletableFuture<ExecutionResult> execute(ExecutionRequest request) {
    var call = new Call(request, stats, waiting);
    dispatch(call);
    return call;
  }

  private void dispatch(Call call) {
    Worker now = worker;
    if (now == null || !now.submit(call)) {
      park(call);
    }
  }

  /** There is no worker at this moment: the call waits for one, if one is to come. */
  private void park(Call call) {
    PluginException refusal;
    synchronized (this) {
      Worker now = worker;
      refusal = standing.refusal();
      if (refusal == null && (now == null || !now.takesCalls())) {
        if (waiting.add(call, call.remaining(callLimit), this::waitedInVain)) {
          return;
        }
        refusal = Refusals.overloaded(standing.row());
      }
    }
    if (refusal != null) {
      call.fail(refusal);
    } else {
      dispatch(call); // A worker came up in between.
    }
  }

  private PluginException waitedInVain() {
    return Refusals.waitedInVain(standing.row(), standing.lastFailure());
  }

  /**
   * A worker that was told to cancel a call and says nothing may stand still, and would take new
   * calls down with it: they wait until it shows a sign of life or has been replaced.
   */
  private void regard(Worker which) {
    List<Call> waited = List.of();
    synchronized (this) {
      if (worker == which && which.openUnlessSilent()) {
        waited = waiting.leave();
      }
    }
    waited.forEach(this::dispatch);
  }
}
