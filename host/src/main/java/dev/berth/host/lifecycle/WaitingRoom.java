package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.function.Supplier;

/** The calls that wait for a worker, each until its own deadline. */
final class WaitingRoom {
  static final int PLACES = 1024;

  private final Timer timer;
  private final ArrayDeque<Call> calls = new ArrayDeque<>();

  WaitingRoom(Timer timer) {
    this.timer = timer;
  }

  /**
   * Lets a call in.
   *
   * @param limit when its time is up
   * @param late what it fails with then
   * @return false when there is no place
   */
  synchronized boolean add(Call call, Duration limit, Supplier<PluginException> late) {
    if (calls.size() >= PLACES) {
      return false;
    }
    calls.add(call);
    call.waits(
        timer.after(
            limit,
            () -> {
              if (forget(call)) {
                call.fail(late.get());
              }
            }));
    return true;
  }

  /** Whether it was here. */
  synchronized boolean forget(Call call) {
    boolean here = calls.remove(call);
    if (here) {
      call.goesOn();
    }
    return here;
  }

  /** All of them, in the order they came; they are the caller's now. */
  synchronized List<Call> leave() {
    List<Call> all = List.copyOf(calls);
    calls.clear();
    all.forEach(Call::goesOn);
    return all;
  }

  synchronized int size() {
    return calls.size();
  }
}
