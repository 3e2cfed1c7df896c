package dev.berth.channel;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import org.jspecify.annotations.Nullable;

/**
 * Sends frames without ever blocking. Any thread may offer one; frames of many threads are combined
 * into one write.
 *
 * <p>At most one thread writes at a time: the one that set {@code writing}. It takes all that is
 * pending, writes it, and looks again under the same lock before it stops, so no frame is left
 * behind and none is sent twice. When the socket is full it stays the writer in name until the loop
 * says that there is room.
 *
 * <p>A thread outside the loop writes at once if nobody else does. On the loop's thread frames are
 * gathered until there are {@value #FLUSH_EVERY} or the loop is about to wait: with less, many
 * calls in flight move as one convoy.
 */
final class Outbound {
  private static final int FLUSH_EVERY = 16;

  /** What one write is given at most: the JDK copies a heap buffer whole, the kernel takes less. */
  private static final int MOST_AT_ONCE = 128 * 1024;

  private final SocketChannel socket;
  private final int maxQueued;
  private final Runnable onBroken;
  private final Runnable flush = this::flushFromLoop;
  private ChannelLoop.@Nullable Registration registration;

  // Guarded by this.
  private FrameBuffer pending = new FrameBuffer();
  private FrameBuffer spare = new FrameBuffer();
  private int frames;
  private boolean writing;
  private boolean flushAsked;
  private boolean closed;

  /** What the writer has in hand; null when it has written all it took. Guarded by this. */
  private @Nullable ByteBuffer unsent;

  /**
   * @param onBroken told, on the loop's thread, that the socket takes no more bytes
   */
  Outbound(SocketChannel socket, int maxQueued, Runnable onBroken) {
    this.socket = socket;
    this.maxQueued = maxQueued;
    this.onBroken = onBroken;
  }

  /** Must come before the first offer. */
  void attach(ChannelLoop.Registration registration) {
    this.registration = registration;
  }

  /**
   * Queues a message.
   *
   * @param urgent small and worth sending however much waits already
   * @return false when too much waits: nothing was queued then
   */
  boolean offer(HostMessage message, boolean urgent) {
    boolean inLoop = loop().inLoop();
    boolean ask = false;
    synchronized (this) {
      if (closed) {
        return true; // Whoever waits for an answer has been told already.
      }
      if (!urgent && queued() > maxQueued) {
        return false;
      }
      message.writeTo(pending);
      frames++;
      if (writing) {
        return true;
      }
      if (!inLoop || frames >= FLUSH_EVERY) {
        writing = true;
      } else if (flushAsked) {
        return true;
      } else {
        flushAsked = true;
        ask = true;
      }
    }
    if (ask) {
      loop().execute(flush);
    } else {
      write();
    }
    return true;
  }

  private int queued() {
    return pending.length() + (unsent == null ? 0 : unsent.remaining());
  }

  private void flushFromLoop() {
    synchronized (this) {
      flushAsked = false;
      if (writing || closed || frames == 0) {
        return;
      }
      writing = true;
    }
    write();
  }

  /** The socket has room again. On the loop's thread. */
  void onWritable() {
    synchronized (this) {
      if (!writing || closed) {
        return;
      }
    }
    write();
  }

  /** Only for the thread that set {@code writing}, or the loop on its behalf. */
  private void write() {
    while (true) {
      ByteBuffer batch = take();
      if (batch == null) {
        return;
      }
      try {
        while (batch.hasRemaining()) {
          int end = batch.limit();
          batch.limit(Math.min(end, batch.position() + MOST_AT_ONCE));
          int written = socket.write(batch);
          batch.limit(end);
          if (written == 0) {
            loop().wantWrite();
            return;
          }
        }
      } catch (IOException e) {
        // The worker has gone. What it said last may still be there to be read, so the reader ends
        // the conversation, not this.
        close();
        loop().execute(onBroken);
        return;
      }
    }
  }

  private synchronized @Nullable ByteBuffer take() {
    if (unsent != null) {
      if (unsent.hasRemaining()) {
        return unsent;
      }
      unsent = null;
      spare.clear();
    }
    if (closed || frames == 0) {
      writing = false;
      return null;
    }
    FrameBuffer full = pending;
    pending = spare;
    spare = full;
    frames = 0;
    unsent = full.toRead();
    return unsent;
  }

  /** Drops what waits; nothing is sent any more. */
  synchronized void close() {
    closed = true;
    frames = 0;
    pending = new FrameBuffer();
  }

  private ChannelLoop.Registration loop() {
    if (registration == null) {
      throw new IllegalStateException("not attached");
    }
    return registration;
  }
}
