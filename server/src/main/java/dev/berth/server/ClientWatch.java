package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.concurrent.atomic.AtomicReference;
import org.eclipse.jetty.io.AbstractEndPoint;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.util.BufferUtil;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/**
 * Notices that a client has gone while its request waits for a plugin: HTTP/1.1 has no word for
 * "cancel" but the end of the connection.
 *
 * <p>It stands in for the connection's own interest in reading, which Jetty lets rest meanwhile. So
 * the socket stays registered for reading throughout, which saves the two system calls that taking
 * it out and putting it back would cost each call. A byte that comes early (a pipelined request) is
 * put back for the connection to read, and the watch ends there.
 */
final class ClientWatch implements Callback {
  private enum Phase {
    /** Waiting for the socket to become readable. */
    WATCHING,
    /** Looking why it did. */
    PROBING,
    /** No longer registered; the call goes on. */
    RESTING,
    /** The call has ended. */
    ENDED
  }

  private record State(Phase phase, @Nullable Runnable then) {
    static final State WATCHING = new State(Phase.WATCHING, null);
    static final State PROBING = new State(Phase.PROBING, null);
    static final State RESTING = new State(Phase.RESTING, null);
    static final State ENDED = new State(Phase.ENDED, null);
  }

  private final AbstractEndPoint endPoint;
  private final Runnable onGone;
  private final AtomicReference<State> state = new AtomicReference<>(State.WATCHING);

  private ClientWatch(AbstractEndPoint endPoint, Runnable onGone) {
    this.endPoint = endPoint;
    this.onGone = onGone;
  }

  /**
   * Watches a connection.
   *
   * @param onGone run once, on a thread that must not block, when the client has gone
   * @return null when this connection can't be watched
   */
  static @Nullable ClientWatch start(Connection connection, Runnable onGone) {
    if (!(connection.getEndPoint() instanceof AbstractEndPoint endPoint)) {
      return null;
    }
    var watch = new ClientWatch(endPoint, onGone);
    return endPoint.tryFillInterested(watch) ? watch : null;
  }

  /**
   * Ends the watch, then runs {@code then}: at once, or as soon as a look at the socket is over.
   */
  void end(Runnable then) {
    while (true) {
      State now = state.get();
      State next = now.phase() == Phase.PROBING ? new State(Phase.ENDED, then) : State.ENDED;
      if (!state.compareAndSet(now, next)) {
        continue;
      }
      if (now.phase() == Phase.WATCHING) {
        // Comes back as failed(), which finds the watch ended.
        endPoint
            .getFillInterest()
            .onFail(new PluginException(ErrorCode.CANCELLED, "the call has ended"));
      }
      if (now.phase() != Phase.PROBING) {
        then.run();
      }
      return;
    }
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }

  /** The socket can be read. */
  @Override
  public void succeeded() {
    if (!state.compareAndSet(State.WATCHING, State.PROBING)) {
      return;
    }
    ByteBuffer one = BufferUtil.allocate(1);
    int count;
    try {
      count = endPoint.fill(one);
    } catch (IOException _) {
      count = -1;
    }
    if (count > 0 && endPoint.getConnection() instanceof Connection.UpgradeTo reader) {
      reader.onUpgradeTo(one);
    }
    if (count == 0 && state.compareAndSet(State.PROBING, State.WATCHING)) {
      endPoint.tryFillInterested(this);
      return;
    }
    if (state.compareAndSet(State.PROBING, State.RESTING)) {
      if (count < 0) {
        onGone.run();
      }
      return;
    }
    Runnable then = state.get().then();
    if (then != null) {
      then.run();
    }
  }

  /** The connection was closed under us, or {@link #end} took the interest back. */
  @Override
  public void failed(Throwable why) {
    if (state.compareAndSet(State.WATCHING, State.RESTING)) {
      onGone.run();
    }
  }
}
