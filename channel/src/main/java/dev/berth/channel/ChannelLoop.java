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

    /** A time asked for with {@link Registration#wakeAt} has come. Must not block. */
    void onTimer();

    /** The loop has closed, or the socket failed; nothing follows. */
    void onClosed(Throwable cause);
  }

  /**
   * A socket's place in the loop. Its methods may be called from any thread, and do nothing once it
   * is closed.
   */
  interface Registration extends AutoCloseable {
    /** Asks for one {@link Handler#onWritable()} as soon as the socket takes bytes. */
    void wantWrite();

    /** Asks for one {@link Handler#onTimer()} at a time of {@link System#nanoTime()} or after. */
    void wakeAt(long nanoTime);

    /**
     * Leaves what comes unread: no {@link Handler#onReadable()} until {@link #startReading()}. On
     * the thread that drives this socket only.
     */
    void stopReading();

    /** Ends {@link #stopReading()}; on the same thread. */
    void startReading();

    /**
     * Runs a task on the thread that drives this socket. Called on that thread, it runs the task
     * after the sockets that are ready now were served and before the loop waits again: the place
     * to send what they left to be sent.
     */
    void execute(Runnable task);

    /** Whether the calling thread is the one that drives this socket. */
    boolean inLoop();

    /** Forgets the socket and closes it. {@link Handler#onClosed} is not called for it. */
    @Override
    void close();
  }

  /**
   * Puts a socket into non-blocking mode and drives it. Reading starts at once, possibly before
   * this returns: a handler that needs its registration is given it by {@code attach}.
   *
   * @param attach told the registration before the first call to the handler
   */
  Registration add(
      SocketChannel socket, Handler handler, java.util.function.Consumer<Registration> attach);

  /** Closes every socket in it, telling each handler, and ends its thread where it has one. */
  @Override
  void close();
}
