package dev.berth.host.lifecycle;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/** Runs things later. One thread keeps the time; what is due runs elsewhere, so it may block. */
final class Timer implements AutoCloseable {
  private final ScheduledThreadPoolExecutor clock;
  private final Executor background;

  Timer(Executor background) {
    this.background = background;
    this.clock =
        new ScheduledThreadPoolExecutor(
            1, task -> Thread.ofPlatform().name("berth-timer").daemon().unstarted(task));
    clock.setRemoveOnCancelPolicy(true);
    clock.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /** Runs {@code task} on a background thread after {@code delay}; to be cancelled or not. */
  Future<?> after(Duration delay, Runnable task) {
    return clock.schedule(() -> background.execute(task), delay.toNanos(), TimeUnit.NANOSECONDS);
  }

  /** The same, not to be cancelled. */
  void later(Duration delay, Runnable task) {
    Future<?> _ = after(delay, task);
  }

  /**
   * Runs {@code task}, which must be short, on the time-keeping thread again and again. After a
   * standstill it is run once, not once for every time that was missed.
   */
  Future<?> every(Duration first, Duration period, Runnable task) {
    return clock.scheduleWithFixedDelay(
        task, first.toNanos(), period.toNanos(), TimeUnit.NANOSECONDS);
  }

  @Override
  public void close() {
    clock.shutdownNow();
  }
}
