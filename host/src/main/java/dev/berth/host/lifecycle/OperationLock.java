package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Sees that one operation on a plugin is under way at a time, and knows the start under way, which
 * may be given up for an operation. A restart that nobody asked for holds the lock too, and yields
 * to every operation.
 *
 * <p>The monitor guards the fields and is never held while anything is waited for. A {@link
 * Supervisor} may take it inside its own, not the other way round.
 */
final class OperationLock {
  private final Standing standing;
  private final Duration patience;
  private final ReentrantLock lock = new ReentrantLock(true);
  private volatile String doing = "changed";

  // Guarded by this.
  private Launcher.@Nullable Attempt attempt;
  private boolean awaited; // the attempt, by an operation
  private int wanted; // operations under way, or waiting for their turn
  private int overruling; // those of them that end running, and wait
  private String overruledBy = "";
  private @Nullable PluginException closing;

  /**
   * @param patience how long an operation waits for another one
   */
  OperationLock(Standing standing, Duration patience) {
    this.standing = standing;
    this.patience = patience;
  }

  /** See {@link Supervisor#exclusively}. */
  <T> T exclusively(String what, Function<Launcher.Attempt, T> work) {
    return alone(what, false, work);
  }

  /** See {@link Supervisor#overruling}. */
  <T> T overruling(String what, Supplier<T> work) {
    return alone(what, true, _ -> work.get());
  }

  private <T> T alone(String what, boolean overrules, Function<Launcher.Attempt, T> work) {
    synchronized (this) {
      wanted++; // First: what it gives up must not be taken up again before it has the lock.
      if (overrules) {
        overruling++; // Whoever waited before it comes first, and is not to start anything.
        overruledBy = what;
      }
      if (overrules || !awaited) {
        giveUpStart(Refusals.overruled(standing.row(), what, doing));
      }
    }
    try {
      return locked(what, overrules, work);
    } finally {
      synchronized (this) {
        wanted--;
      }
    }
  }

  private <T> T locked(String what, boolean overrules, Function<Launcher.Attempt, T> work) {
    try {
      if (!lock.tryLock(patience.toNanos(), TimeUnit.NANOSECONDS)) {
        throw Refusals.busy(standing.row(), doing);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new PluginException(
          ErrorCode.CANCELLED, LaunchPlan.label(standing.row()) + ": interrupted.", e);
    } finally {
      if (overrules) {
        waitsNoLonger();
      }
    }
    try {
      return work.apply(begin(what));
    } finally {
      free();
    }
  }

  private synchronized void waitsNoLonger() {
    overruling--;
  }

  /** From here on its start, which may come yet, can be given up. */
  private synchronized Launcher.Attempt begin(String what) {
    PluginException end = standing.ended();
    if (end == null) {
      end = closing;
    }
    if (end != null) {
      throw end;
    }
    var under = new Launcher.Attempt();
    if (overruling > 0) {
      under.giveUp(Refusals.overruled(standing.row(), overruledBy, what));
    }
    attempt = under;
    awaited = true;
    doing = what;
    return under;
  }

  /**
   * Does what nobody waits for, unless an operation is under way or wanted. One that comes later
   * gives up its start.
   */
  void yielding(String what, Launcher.Attempt under, Consumer<Launcher.Attempt> work) {
    if (lock.hasQueuedThreads() || !lock.tryLock()) {
      return;
    }
    try {
      synchronized (this) {
        if (wanted > 0) {
          return;
        }
        attempt = under;
        awaited = false;
        doing = what;
      }
      work.accept(under);
    } finally {
      free();
    }
  }

  private void free() {
    synchronized (this) {
      attempt = null;
    }
    lock.unlock();
  }

  /** Does what is short once no operation is under way, in its turn. */
  void whenFree(Runnable work) {
    lock.lock();
    try {
      work.run();
    } finally {
      lock.unlock();
    }
  }

  /** Whether no operation is under way or wanted, and nothing that yields to one either. */
  synchronized boolean none() {
    return wanted == 0 && !lock.isLocked();
  }

  /**
   * The worker of an attempt is as good as running: it is too late to give it up.
   *
   * @return why it was given up before; null when it was not
   */
  synchronized @Nullable PluginException started(Launcher.Attempt under) {
    attempt = null;
    return under.givenUp();
  }

  /** Gives up the start under way, whoever waits for it; an operation gets {@code why}. */
  synchronized void giveUpStart(PluginException why) {
    if (attempt != null) {
      attempt.giveUp(why);
    }
  }

  /**
   * No operation begins any more, and one that waits for a start fails with {@code why}. A restart
   * goes on: calls may wait for it.
   */
  synchronized void end(PluginException why) {
    closing = why;
    if (awaited) {
      giveUpStart(why);
    }
  }
}
