package dev.berth.server;

import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** What the server is at: starting, serving or closing, and how many requests are under way. */
final class ServerState {
  private volatile @Nullable Backend backend;
  private volatile boolean closing;
  private final AtomicBoolean begun = new AtomicBoolean();
  // One for the server itself, given back when it closes: zero then means that all is done.
  private final AtomicInteger underWay = new AtomicInteger(1);
  private final CountDownLatch idle = new CountDownLatch(1);
  private final Set<Runnable> streams = ConcurrentHashMap.newKeySet();

  @Nullable Backend backend() {
    return backend;
  }

  void serve(Backend served) {
    backend = served;
  }

  boolean closing() {
    return closing;
  }

  void enter() {
    underWay.incrementAndGet();
  }

  void leave() {
    if (underWay.decrementAndGet() == 0) {
      idle.countDown();
    }
  }

  int underWay() {
    return underWay.get() - (closing ? 0 : 1);
  }

  /** Registers what ends an endless answer; run at once when the server is closing already. */
  AutoCloseable onClose(Runnable end) {
    streams.add(end);
    if (closing) {
      end.run();
    }
    return () -> streams.remove(end);
  }

  /** Takes no more requests; returns when those under way are done or the time is up. */
  void drain(Duration limit) throws InterruptedException {
    if (begun.compareAndSet(false, true)) {
      closing = true;
      streams.forEach(Runnable::run);
      leave();
    }
    var _ = idle.await(limit.toMillis(), TimeUnit.MILLISECONDS);
  }
}
