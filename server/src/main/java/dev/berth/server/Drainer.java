package dev.berth.server;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.thread.Invocable;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/**
 * Takes in, and throws away, what is still to come of a body that was refused. A connection closed
 * while its client is sending is reset, and the reset destroys the answer before it is read (RFC
 * 9112, 9.6). Bounded in bytes and time, after which it is reset all the same.
 */
final class Drainer implements Invocable.Task {
  private static final long MAX_BYTES = 2 << 20;
  private static final long MAX_MILLIS = 1000;

  private final Request request;
  private final Runnable then;
  private final AtomicBoolean done = new AtomicBoolean();
  private Scheduler.@Nullable Task deadline;
  private long bytes;

  /**
   * @param then run once, when there is no more to take in
   */
  Drainer(Request request, Runnable then) {
    this.request = request;
    this.then = then;
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }

  @Override
  public void run() {
    while (!done.get()) {
      Content.Chunk chunk = request.read();
      if (chunk == null) {
        if (deadline == null) {
          deadline =
              request
                  .getComponents()
                  .getScheduler()
                  .schedule(this::end, MAX_MILLIS, TimeUnit.MILLISECONDS);
        }
        request.demand(this);
        return;
      }
      bytes += chunk.remaining();
      boolean over = chunk.isLast() || Content.Chunk.isFailure(chunk) || bytes > MAX_BYTES;
      chunk.release();
      if (over) {
        end();
      }
    }
  }

  private void end() {
    if (done.compareAndSet(false, true)) {
      if (deadline != null) {
        deadline.cancel();
      }
      then.run();
    }
  }
}
