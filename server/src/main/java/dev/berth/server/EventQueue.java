package dev.berth.server;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Between those who have something to tell, who must not wait, and the one thread that writes it to
 * a client as fast as that reads. Bounded in size.
 */
final class EventQueue {
  /**
   * Something to tell.
   *
   * @param json on one line or several
   * @param last whether the stream ends with it
   */
  record Event(String name, @Nullable Long id, String json, boolean last) {
    static final Event END = new Event("", null, "", true);
  }

  private static final long OVERHEAD = 64;

  private final BlockingQueue<Event> queue = new LinkedBlockingQueue<>();
  private final AtomicLong waiting = new AtomicLong();
  private final long limit;
  private final Duration heartbeat;

  /**
   * @param limit how many characters may wait
   * @param heartbeat how often a silent stream says so, which is how a client that has gone is
   *     noticed
   */
  EventQueue(long limit, Duration heartbeat) {
    this.limit = limit;
    this.heartbeat = heartbeat;
  }

  /** Adds an event unless too much is waiting; whether it was added. The last one always is. */
  boolean offer(Event event) {
    long size = sizeOf(event);
    if (waiting.addAndGet(size) > limit && !event.last()) {
      waiting.addAndGet(-size);
      return false;
    }
    return queue.add(event);
  }

  private static long sizeOf(Event event) {
    return OVERHEAD + event.json().length();
  }

  /** Where events go. */
  @FunctionalInterface
  interface Sink {
    void write(Event event) throws IOException;
  }

  /** Writes events until the last one is written or the client has gone. */
  void drainTo(Sse sse, Sink sink) throws IOException, InterruptedException {
    while (true) {
      Event event = queue.poll(heartbeat.toMillis(), TimeUnit.MILLISECONDS);
      if (event == null) {
        sse.comment();
        continue;
      }
      waiting.addAndGet(-sizeOf(event));
      if (!event.name().isEmpty()) {
        sink.write(event);
      }
      if (event.last()) {
        return;
      }
    }
  }

  void drainTo(Sse sse) throws IOException, InterruptedException {
    drainTo(sse, event -> sse.event(event.name(), event.id(), event.json()));
  }
}
