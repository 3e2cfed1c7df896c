package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The builds under way, which are cut off when their sandbox closes, and clear up first. */
final class BuildsUnderWay implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(BuildsUnderWay.class);
  private static final int END_SECONDS = 20;

  // Guarded by this.
  private final Set<Thread> building = new HashSet<>();
  private int underWay;
  private boolean closed;

  /**
   * Builds in this thread.
   *
   * @param work interrupted when the sandbox closes
   * @param last done after it, however it ended; not interrupted, but waited for
   * @throws PluginException {@code shutting_down} when it was cut off, and what {@code work} throws
   */
  void run(Runnable work, Runnable last) {
    begin();
    try {
      try {
        work.run();
      } finally {
        built();
        last.run();
      }
    } catch (PluginException e) {
      synchronized (this) {
        throw closed ? refusal() : e;
      }
    } finally {
      end();
    }
  }

  private synchronized void begin() {
    if (closed) {
      throw refusal();
    }
    building.add(Thread.currentThread());
    underWay++;
  }

  private synchronized void built() {
    building.remove(Thread.currentThread());
    if (closed) {
      boolean _ = Thread.interrupted(); // it was for the build
    }
  }

  private synchronized void end() {
    underWay--;
    notifyAll();
  }

  private static PluginException refusal() {
    return new PluginException(ErrorCode.SHUTTING_DOWN, "The sandbox is closed.");
  }

  /** Cuts all of them off, and waits until they have cleared up. */
  @Override
  public synchronized void close() {
    closed = true;
    building.forEach(Thread::interrupt);
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(END_SECONDS);
    try {
      for (long left = end - System.nanoTime(); underWay > 0; left = end - System.nanoTime()) {
        if (left <= 0) {
          log.warn("docker: {} builds did not end within {} s", underWay, END_SECONDS);
          return;
        }
        TimeUnit.NANOSECONDS.timedWait(this, left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
