package dev.berth.host.lifecycle;

import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Lets few workers start at once that nobody waits for. What is bounded is the machine's own work:
 * a plugin that takes long to initialise keeps the others from their turn for a moment only.
 */
final class Starts {
  private final Semaphore places;
  private final Duration initialising;
  private final Timer timer;

  /**
   * @param atOnce how many may have a turn
   * @param initialising how long a turn lasts at most after its worker has connected
   */
  Starts(int atOnce, Duration initialising, Timer timer) {
    this.places = new Semaphore(atOnce);
    this.initialising = initialising;
    this.timer = timer;
  }

  /** Waits for a turn; the caller owes its end. */
  Turn take() {
    places.acquireUninterruptibly();
    return new Turn();
  }

  /** One worker's start, or the part of it that keeps others waiting. */
  final class Turn {
    private final AtomicBoolean over = new AtomicBoolean();

    private Turn() {}

    /** The worker has connected. What follows is its plugin's. */
    void connected() {
      timer.later(initialising, this::end);
    }

    /** Lets the next one start, once, however often it is called. */
    void end() {
      if (over.compareAndSet(false, true)) {
        places.release();
      }
    }
  }
}
