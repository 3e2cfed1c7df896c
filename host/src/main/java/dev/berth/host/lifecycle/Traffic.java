package dev.berth.host.lifecycle;

import java.util.concurrent.atomic.LongAdder;

/** Bytes a plugin moved over the network, all of its workers taken together. */
final class Traffic {
  private final LongAdder received = new LongAdder();
  private final LongAdder sent = new LongAdder();

  void add(long in, long out) {
    received.add(in);
    sent.add(out);
  }

  long received() {
    return received.sum();
  }

  long sent() {
    return sent.sum();
  }

  void reset() {
    received.reset();
    sent.reset();
  }
}
