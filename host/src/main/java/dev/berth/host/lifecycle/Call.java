package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * One call on its way: what its caller waits for. It is its own callback of the channel's future,
 * so a call costs no more objects than it must.
 */
final class Call extends CompletableFuture<ExecutionResult>
    implements BiConsumer<@Nullable ExecutionResult, @Nullable Throwable> {
  private final ExecutionRequest request;
  private final CallStats stats;
  private final WaitingRoom waiting;
  private final long arrived = System.nanoTime();
  private boolean waited;
  private @Nullable Future<?> timeUp;
  private @Nullable Worker worker;
  private volatile @Nullable CompletableFuture<ExecutionResult> sent;

  Call(ExecutionRequest request, CallStats stats, WaitingRoom waiting) {
    this.request = request;
    this.stats = stats;
    this.waiting = waiting;
  }

  Json context() {
    return request.context();
  }

  ExecutionListener listener() {
    return request.listener();
  }

  /** What is left of its time, at least a nanosecond. */
  Duration remaining(Duration pluginLimit) {
    Duration asked = request.timeout();
    Duration limit = asked == null || asked.compareTo(pluginLimit) > 0 ? pluginLimit : asked;
    if (!waited) {
      return limit;
    }
    long left = limit.toNanos() - (System.nanoTime() - arrived);
    return Duration.ofNanos(Math.max(1, left));
  }

  /** It waits for a worker, until {@code end} at most. */
  void waits(Future<?> end) {
    waited = true;
    timeUp = end;
  }

  /** It waits no longer. */
  void goesOn() {
    Future<?> end = timeUp;
    if (end != null) {
      end.cancel(false);
    }
  }

  /** The worker that has it; {@link Worker#leave} is owed once. */
  void enters(Worker now) {
    worker = now;
  }

  /** It is on the wire. */
  void sent(CompletableFuture<ExecutionResult> answer) {
    sent = answer;
    CompletableFuture<ExecutionResult> _ = answer.whenComplete(this);
    if (isCancelled()) {
      answer.cancel(true); // The caller was quicker.
    }
  }

  /** It is over before a worker had it. */
  void fail(PluginException why) {
    Duration elapsed = elapsed();
    stats.ended(elapsed.toNanos(), true);
    complete(new ExecutionResult.Failed(why, elapsed));
  }

  /** The channel's answer. */
  @Override
  public void accept(@Nullable ExecutionResult result, @Nullable Throwable error) {
    Worker by = worker;
    if (by != null) {
      by.leave(); // Before its caller knows: who then asks finds it in flight no longer.
    }
    switch (result) {
      case null -> cancelled(error);
      case ExecutionResult.Succeeded answer -> {
        Duration took = waited ? elapsed() : answer.elapsed();
        stats.ended(took.toNanos(), false);
        complete(
            waited
                ? new ExecutionResult.Succeeded(answer.result(), answer.success(), took)
                : answer);
      }
      case ExecutionResult.Failed failed when by != null && isCrash(failed) -> crashed(by);
      case ExecutionResult.Failed failed -> {
        stats.ended(elapsed().toNanos(), true);
        complete(
            by == null
                ? failed
                : new ExecutionResult.Failed(
                    by.explained(failed.error(), request.timeout()), failed.elapsed()));
      }
      case ExecutionResult.Denied denied -> {
        stats.ended(elapsed().toNanos(), true);
        complete(denied);
      }
    }
  }

  private static boolean isCrash(ExecutionResult result) {
    return result instanceof ExecutionResult.Failed failed
        && failed.error().code() == ErrorCode.PLUGIN_CRASHED;
  }

  /** The socket ended. Why the worker did will be known in a moment. */
  private void crashed(Worker by) {
    CompletableFuture<PluginException> _ =
        by.verdict()
            .whenComplete((why, _) -> {
              stats.ended(elapsed().toNanos(), true);
              complete(new ExecutionResult.Failed(why, elapsed()));
            });
  }

  private void cancelled(@Nullable Throwable error) {
    stats.ended(elapsed().toNanos(), true);
    if (!isDone()) {
      ErrorCode code = error instanceof PluginException known ? known.code() : ErrorCode.INTERNAL;
      String why = error == null ? "no answer" : String.valueOf(error.getMessage());
      complete(new ExecutionResult.Failed(new PluginException(code, why, error), elapsed()));
    }
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean mine = super.cancel(mayInterruptIfRunning);
    if (mine) {
      waiting.forget(this);
      CompletableFuture<ExecutionResult> answer = sent;
      if (answer != null) {
        answer.cancel(true);
      }
    }
    return mine;
  }

  private Duration elapsed() {
    return Duration.ofNanos(System.nanoTime() - arrived);
  }
}
