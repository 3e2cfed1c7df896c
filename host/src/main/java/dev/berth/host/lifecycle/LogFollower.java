package dev.berth.host.lifecycle;

import dev.berth.api.LogRecord;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.Consumer;

/** Hands a log's new records to one consumer, on a thread of its own; drops what it can't take. */
final class LogFollower implements AutoCloseable {
  private static final int QUEUE = 1024;

  private final ArrayBlockingQueue<LogRecord> queue = new ArrayBlockingQueue<>(QUEUE);
  private final Consumer<LogRecord> consumer;
  private final Consumer<LogFollower> onClose;
  private final Thread thread;

  LogFollower(Consumer<LogRecord> consumer, Consumer<LogFollower> onClose) {
    this.consumer = consumer;
    this.onClose = onClose;
    this.thread = Thread.ofVirtual().name("berth-log-follower").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Never waits. */
  void offer(LogRecord record) {
    boolean taken = queue.offer(record);
    if (!taken) {
      return; // The consumer sees the gap in the sequence.
    }
  }

  private void run() {
    try {
      while (!Thread.interrupted()) {
        consumer.accept(queue.take());
      }
    } catch (InterruptedException _) {
      // Closed.
    } finally {
      onClose.accept(this);
    }
  }

  /** Returns at once; the consumer may be in its last call still. */
  @Override
  public void close() {
    onClose.accept(this);
    thread.interrupt();
  }
}
