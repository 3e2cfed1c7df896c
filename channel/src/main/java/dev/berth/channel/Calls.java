package dev.berth.channel;

import dev.berth.api.PluginException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The calls in flight, by id, and when to look at them next.
 *
 * <p>An id is given out once. It is also the call's place in the table, modulo the table's size: a
 * taken place just makes the next id larger. So a lookup is one array access, and nothing is made
 * per call. Deadlines are looked at when the earliest of them comes, all in one sweep; since most
 * calls are long answered by then, that is a sweep per timeout, not per call.
 */
final class Calls {
  /** What {@link #add} found. */
  enum Added {
    /** It is in. */
    YES,
    /** It is in, and its deadline comes before the next sweep: the sweep must come earlier. */
    WAKE,
    /** There are too many. */
    FULL,
    /** The channel is closed. */
    CLOSED;

    boolean isIn() {
      return this == YES || this == WAKE;
    }
  }

  // All guarded by this.
  private @Nullable Call<?>[] slots = new Call<?>[16];
  private int size;
  private long nextId = 1;
  private boolean armed;
  private long wakeAt;
  private volatile @Nullable PluginException closed;

  synchronized Added add(Call<?> call, int limit) {
    if (closed != null) {
      return Added.CLOSED;
    }
    if (size >= limit) {
      return Added.FULL;
    }
    if (size * 2 >= slots.length) {
      enlarge();
    }
    while (slots[index(nextId)] != null) {
      nextId++;
    }
    call.id = nextId++;
    slots[index(call.id)] = call;
    size++;
    return arm(call.deadline) ? Added.WAKE : Added.YES;
  }

  private int index(long id) {
    return (int) id & slots.length - 1;
  }

  private void enlarge() {
    @Nullable Call<?>[] old = slots;
    slots = new Call<?>[old.length * 2];
    for (Call<?> call : old) {
      if (call != null) {
        slots[index(call.id)] = call;
      }
    }
  }

  private boolean arm(long deadline) {
    if (armed && deadline - wakeAt >= 0) {
      return false;
    }
    armed = true;
    wakeAt = deadline;
    return true;
  }

  /** Whether the id was never given out, so that nobody can honestly speak of it. */
  synchronized boolean isUnknown(long id) {
    return id < 1 || id >= nextId;
  }

  /** The call in flight with that id; null when it is over. */
  synchronized @Nullable Call<?> get(long id) {
    Call<?> call = slots[index(id)];
    return call != null && call.id == id ? call : null;
  }

  /** Takes the call with that id out; null when it is over. */
  synchronized @Nullable Call<?> remove(long id) {
    Call<?> call = get(id);
    if (call != null) {
      slots[index(id)] = null;
      size--;
    }
    return call;
  }

  /**
   * Marks a call as taken away from its caller, to be answered by the worker until {@code
   * deadline}.
   *
   * @param patient whether there is no such deadline
   * @return null when there is nothing to do: it is over, or was marked before; else whether the
   *     sweep must come earlier
   */
  synchronized @Nullable Added abandon(Call<?> call, long deadline, boolean patient) {
    if (call.abandoned || get(call.id) != call) {
      return null;
    }
    call.abandoned = true;
    call.deadline = deadline;
    call.patient = patient;
    return !patient && arm(deadline) ? Added.WAKE : Added.YES;
  }

  /**
   * The calls whose deadline has come; sets the time of the next sweep, see {@link #wakeAt}. Null
   * when no sweep is due: the wake-up was for a deadline that an earlier one replaced, and that for
   * the next sweep is still to come. (Were it asked for again, wake-ups would grow in number.)
   */
  synchronized @Nullable List<Call<?>> expired(long now) {
    if (!armed || wakeAt - now > 0) {
      return null;
    }
    var out = new ArrayList<Call<?>>();
    armed = false;
    for (Call<?> call : slots) {
      if (call == null || call.patient) {
        continue;
      }
      if (call.deadline - now <= 0) {
        call.patient = call.abandoned; // A second time round it is only waited for.
        out.add(call);
      } else {
        arm(call.deadline);
      }
    }
    return out;
  }

  /** When the next sweep is due, by {@link System#nanoTime()}; null when nothing waits for one. */
  synchronized @Nullable Long wakeAt() {
    return armed ? wakeAt : null;
  }

  synchronized int size() {
    return size;
  }

  @Nullable PluginException closed() {
    return closed;
  }

  /**
   * Refuses calls from now on.
   *
   * @return the calls that were in flight; null when it was closed before
   */
  synchronized @Nullable List<Call<?>> close(PluginException why) {
    if (closed != null) {
      return null;
    }
    closed = why;
    var out = new ArrayList<Call<?>>(size);
    for (Call<?> call : slots) {
      if (call != null) {
        out.add(call);
      }
    }
    slots = new Call<?>[1];
    size = 0;
    return out;
  }
}
