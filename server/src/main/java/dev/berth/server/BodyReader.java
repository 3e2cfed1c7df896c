package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.io.Content;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.util.thread.Invocable;
import org.eclipse.jetty.util.thread.Scheduler;
import org.jspecify.annotations.Nullable;

/** Reads a whole body under a limit without holding a thread. */
final class BodyReader implements Invocable.Task {
  /** Told how it ended, once, on the thread that read the last byte. */
  interface Receiver {
    void onBody(byte[] bytes, int length);

    void onBodyFailed(PluginException why);
  }

  private static final byte[] NOTHING = {};
  private static final int FIRST_GUESS = 1024;

  private final Request request;
  private final int limit;
  private final long deadlineMillis;
  private final Receiver receiver;
  private byte[] bytes;
  private int length;
  private Scheduler.@Nullable Task deadline;

  /**
   * @param limit most bytes taken
   * @param deadlineMillis how long the body may take to arrive, however steadily it trickles
   */
  BodyReader(Request request, int limit, long deadlineMillis, Receiver receiver) {
    this.request = request;
    this.limit = limit;
    this.deadlineMillis = deadlineMillis;
    this.receiver = receiver;
    long declared = request.getLength();
    this.bytes = declared > 0 && declared <= limit ? new byte[(int) declared] : NOTHING;
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }

  @Override
  public void run() {
    while (true) {
      Content.Chunk chunk = request.read();
      if (chunk == null) {
        if (deadline == null) {
          // Only a body that doesn't come in one piece with its head pays for a timer.
          deadline =
              request
                  .getComponents()
                  .getScheduler()
                  .schedule(
                      () -> request.fail(new TimeoutException("body too slow")),
                      deadlineMillis,
                      java.util.concurrent.TimeUnit.MILLISECONDS);
        }
        request.demand(this);
        return;
      }
      if (Content.Chunk.isFailure(chunk)) {
        stopTimer();
        receiver.onBodyFailed(Bodies.failure(chunk.getFailure()));
        return;
      }
      boolean fits = append(chunk.getByteBuffer());
      boolean last = chunk.isLast();
      chunk.release();
      if (!fits) {
        stopTimer();
        receiver.onBodyFailed(Bodies.tooLarge(-1, limit));
        return;
      }
      if (last) {
        stopTimer();
        receiver.onBody(bytes, length);
        return;
      }
    }
  }

  private boolean append(ByteBuffer more) {
    int count = more.remaining();
    if (count > limit - length) {
      return false;
    }
    if (length + count > bytes.length) {
      int size = Math.max(Math.max(FIRST_GUESS, length + count), Math.min(limit, bytes.length * 2));
      bytes = Arrays.copyOf(bytes, size);
    }
    more.get(bytes, length, count);
    length += count;
    return true;
  }

  private void stopTimer() {
    if (deadline != null) {
      deadline.cancel();
    }
  }

  static PluginException incomplete(@Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.BODY_INCOMPLETE, "The body ended before it was complete.", cause);
  }
}
