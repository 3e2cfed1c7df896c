package dev.berth.host.lifecycle;

import dev.berth.api.LogRecord;
import java.time.Instant;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.function.Consumer;

/** Hands a log's new records to one consumer, on a thread of its own; drops what it can't take. */
final class LogFollower implements AutoCloseable {
  private static final int QUEUE = 1024;
  private static final LogRecord END = new LogRecord(0, Instant.EPOCH, "", "", "", "");

  /** There is always room for the end. */
  private final ArrayBlockingQueue<LogRecord> queue = new ArrayBlockingQueue<>(QUEUE + 1);

  private final Consumer<LogRecord> consumer;
  private final Runnable ended;
  private final Consumer<LogFollower> onClose;
  private final Thread thread;

  /**
   * @param ended run after the last record, when there will be no more
   */
  LogFollower(Consumer<LogRecord> consumer, Runnable ended, Consumer<LogFollower> onClose) {
    this.consumer = consumer;
    this.ended = ended;
    this.onClose = onClose;
    this.thread = Thread.ofVirtual().name("berth-log-follower").unstarted(this::run);
  }

  void start() {
    thread.start();
  }

  /** Never waits. Called by one thread at a time, as {@link #end} is. */
  void offer(LogRecord record) {
    if (queue.size() < QUEUE) {
      queue.add(record);
    } // Else the consumer sees the gap in the sequence.
  }

  /** There will be no more. Called once. */
  void end() {
    queue.add(END);
  }

  @SuppressWarnings("ReferenceEquality") // a record like it would not be the end
  private void run() {
    try {
      for (LogRecord next = queue.take(); next != END; next = queue.take()) {
        consumer.accept(next);
        if (Thread.interrupted()) {
          return;
        }
      }
      ended.run();
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
