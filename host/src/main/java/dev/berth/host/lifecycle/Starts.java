package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * Lets few workers start at once that nobody waits for. What is bounded is the machine's own work:
 * a plugin that takes long to initialise keeps the others from their turn for a moment only, and
 * one that has to fetch something first keeps only those that have to as well.
 */
final class Starts {
  private final Semaphore places;
  private final Semaphore fetchers;
  private final Duration initialising;
  private final Timer timer;

  /**
   * @param atOnce how many may have a turn, and how many may fetch
   * @param initialising how long a turn lasts at most after its worker has connected
   */
  Starts(int atOnce, Duration initialising, Timer timer) {
    this.places = new Semaphore(atOnce);
    this.fetchers = new Semaphore(atOnce);
    this.initialising = initialising;
    this.timer = timer;
  }

  /** Waits for a turn; the caller owes its end. */
  Turn take() {
    places.acquireUninterruptibly();
    return new Turn();
  }

  /** One worker's start, or the part of it that keeps others waiting. */
  final class Turn implements AutoCloseable {
    private final AtomicBoolean over = new AtomicBoolean();
    private final AtomicBoolean fetches = new AtomicBoolean();

    private Turn() {}

    /** The worker has connected. What follows is its plugin's. */
    void connected() {
      timer.later(initialising, this::end);
    }

    /**
     * Lets the next one start, and waits for a place among those that fetch, kept to the end
     * however often it is called.
     *
     * @throws PluginException {@code cancelled} when this thread is interrupted
     */
    void fetching() {
      end();
      if (fetches.get()) {
        return;
      }
      try {
        fetchers.acquire();
        fetches.set(true);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new PluginException(ErrorCode.CANCELLED, "Starting was given up.", e);
      }
    }

    /** Lets the next one start, once, however often it is called. */
    void end() {
      if (over.compareAndSet(false, true)) {
        places.release();
      }
    }

    /** Lets the next one start, and the next one fetch. */
    @Override
    public void close() {
      end();
      if (fetches.compareAndSet(true, false)) {
        fetchers.release();
      }
    }
  }
}
