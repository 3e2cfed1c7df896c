package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Cuts what a worker sends into frames. Nothing is allocated for a frame before its length was
 * checked, nor more than twice what has come of it. An idle channel holds no buffer: bytes are read
 * into one lent for the moment.
 */
final class Inbound {
  /** Given each frame. */
  interface Sink {
    /**
     * A frame's body stands in {@code [from, to)}.
     *
     * @param mayKeep whether {@code bytes} is not used again
     */
    void onFrame(byte[] bytes, int from, int to, boolean mayKeep);
  }

  private static final byte[] NONE = {};

  /** So that one worker that never stops talking leaves the loop to others. */
  private static final int READS_AT_ONCE = 4;

  /** What is read at a time of a worker that talks too much: a turn can end after each. */
  private static final int SIP = 8 * 1024;

  private final Sink sink;
  private final Account account;
  private byte[] begun = NONE;
  private int have;
  private long begunSoFar;

  /**
   * @param account pays for the turns, and says how long they last
   */
  Inbound(Sink sink, Account account) {
    this.sink = sink;
    this.account = account;
  }

  /**
   * Reads what is there, or as much of it as one turn allows.
   *
   * @return false at the end of the stream
   * @throws PluginException {@code invalid_json}: the worker sent what is no frame, or the sink
   *     refused one
   */
  boolean read(SocketChannel socket) throws IOException {
    account.begin();
    byte[] scratch = Scratch.take();
    try {
      ByteBuffer target = ByteBuffer.wrap(scratch);
      for (int i = 0; i < READS_AT_ONCE; i++) {
        int most = atOnce(scratch.length);
        int n = socket.read(target.clear().limit(most));
        if (n < 0) {
          return false;
        }
        accept(scratch, n);
        if (n < most || account.turnIsOver()) {
          return true;
        }
      }
      return true;
    } finally {
      Scratch.give(scratch);
      account.end();
    }
  }

  private int atOnce(int room) {
    if (account.isAmple()) {
      return room;
    }
    int missing = have < 4 ? 0 : 4 + length(begun, 0) - have;
    return Math.min(room, Math.max(SIP, missing));
  }

  /** A number of its own for each frame that has come in part; 0 when there is none now. */
  long unfinished() {
    return have == 0 ? 0 : begunSoFar;
  }

  private void accept(byte[] bytes, int to) {
    int at = have == 0 ? 0 : complete(bytes, to);
    while (to - at >= 4) {
      int length = length(bytes, at);
      if (to - at - 4 < length) {
        break;
      }
      sink.onFrame(bytes, at + 4, at + 4 + length, false);
      at += 4 + length;
    }
    if (at < to) {
      begun = Arrays.copyOfRange(bytes, at, to);
      have = to - at;
      begunSoFar++;
    }
  }

  /** Adds to the frame that was begun; returns how many bytes of {@code bytes} belong to it. */
  private int complete(byte[] bytes, int to) {
    int at = 0;
    while (have < 4 && at < to) {
      grow(4);
      begun[have++] = bytes[at++];
    }
    if (have < 4) {
      return at;
    }
    int whole = 4 + length(begun, 0);
    int more = Math.min(to - at, whole - have);
    if (have + more > begun.length) {
      grow(Math.min(whole, Math.max(have + more, begun.length * 2)));
    }
    System.arraycopy(bytes, at, begun, have, more);
    have += more;
    at += more;
    if (have == whole) {
      byte[] frame = begun;
      begun = NONE;
      have = 0;
      sink.onFrame(frame, 4, whole, true);
    }
    return at;
  }

  private void grow(int size) {
    if (begun.length < size) {
      begun = Arrays.copyOf(begun, size);
    }
  }

  private static int length(byte[] bytes, int at) {
    int length =
        (bytes[at] & 0xff) << 24
            | (bytes[at + 1] & 0xff) << 16
            | (bytes[at + 2] & 0xff) << 8
            | (bytes[at + 3] & 0xff);
    if (length < 1 || length > FrameBuffer.MAX_FRAME) {
      throw new PluginException(
          ErrorCode.INVALID_JSON,
          "a frame of " + Integer.toUnsignedString(length) + " bytes was announced");
    }
    return length;
  }

  /** Buffers to read into, lent out for as long as a read takes. */
  private static final class Scratch {
    private static final int SIZE = 64 * 1024;
    private static final int KEPT = 8;
    private static final ArrayDeque<byte[]> FREE = new ArrayDeque<>(KEPT);

    private Scratch() {}

    static byte[] take() {
      byte[] buffer;
      synchronized (FREE) {
        buffer = FREE.pollLast();
      }
      return buffer == null ? new byte[SIZE] : buffer;
    }

    static void give(byte[] buffer) {
      synchronized (FREE) {
        if (FREE.size() < KEPT) {
          FREE.addLast(buffer);
        }
      }
    }
  }
}
