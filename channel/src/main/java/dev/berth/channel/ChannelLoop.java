package dev.berth.channel;

import java.nio.channels.SocketChannel;

/**
 * Drives non-blocking sockets. One implementation has a selector thread of its own; the server
 * lends its own selectors instead, so that a call needs no hop between threads.
 */
public interface ChannelLoop extends AutoCloseable {
  /** Told when its socket can be used. Never called by two threads at once for one socket. */
  interface Handler {
    /** Bytes can be read, or the end has come. Must not block. */
    void onReadable();

    /** Bytes can be written again, after {@link Registration#wantWrite()}. Must not block. */
    void onWritable();

    /** The loop has closed, or the socket failed; nothing follows. */
    void onClosed(Throwable cause);
  }

  /** A socket's place in the loop. Its methods may be called from any thread. */
  interface Registration extends AutoCloseable {
    /** Asks for one {@link Handler#onWritable()} as soon as the socket takes bytes. */
    void wantWrite();

    /** Stops reading until {@link #resumeRead()}. */
    void pauseRead();

    void resumeRead();

    /** Runs a task on the thread that drives this socket, soon. */
    void execute(Runnable task);

    /** Whether the calling thread is the one that drives this socket. */
    boolean inLoop();

    /** Forgets the socket and closes it. */
    @Override
    void close();
  }

  /** Puts a socket into non-blocking mode and drives it. Reading starts at once. */
  Registration add(SocketChannel socket, Handler handler);

  @Override
  void close();
}
