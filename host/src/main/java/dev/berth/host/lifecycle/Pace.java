package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Keeps the plugins that die again and again from occupying the machine with their starts, whoever
 * asks for them: one of theirs is under way at a time, and after each comes a pause of three times
 * as long. How long a start takes says what it costs here: some milliseconds for a process, most of
 * a second of an engine's work for a container. What the death after it costs it doesn't say, so no
 * pause is shorter than half a second.
 */
final class Pace {
  private static final int PAUSES = 3;
  private static final Duration SHORTEST = Duration.ofMillis(500);
  private static final Duration LONGEST = Duration.ofSeconds(5);

  private final Semaphore place = new Semaphore(1, true);
  private final Timer timer;

  Pace(Timer timer) {
    this.timer = timer;
  }

  /**
   * Waits until such a start is due; the caller owes its end.
   *
   * @param waits run first when it isn't yet
   * @throws PluginException {@code cancelled} when this thread is interrupted
   */
  Step take(Runnable waits) {
    try {
      // With a time, though it is none: without one it would pass those that wait.
      if (!place.tryAcquire(0, TimeUnit.SECONDS)) {
        waits.run();
        place.acquire();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PluginException(ErrorCode.CANCELLED, "Starting was given up.", e);
    }
    return new Step();
  }

  /** One start, until its worker has connected. What follows is its plugin's. */
  final class Step implements AutoCloseable {
    private final long begun = System.nanoTime();
    private final AtomicBoolean over = new AtomicBoolean();

    private Step() {}

    /** Lets the pause begin, once, however often it is called. */
    @Override
    public void close() {
      if (over.compareAndSet(false, true)) {
        long pause = PAUSES * (System.nanoTime() - begun);
        timer.later(
            Duration.ofNanos(Math.clamp(pause, SHORTEST.toNanos(), LONGEST.toNanos())),
            place::release);
      }
    }
  }
}
