package dev.berth.channel;

import dev.berth.api.Json;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** A growing run of frames, written one after the other. */
final class FrameBuffer {
  /** The longest body of a frame, in bytes. */
  static final int MAX_FRAME = 1 << 20;

  private static final int SMALLEST = 1024;
  private static final int KEPT = 32 * 1024;

  private ByteBuffer bytes = ByteBuffer.allocate(SMALLEST);
  private int start;

  /** Leaves room for a frame's length. */
  void begin() {
    start = bytes.position();
    room(4).putInt(0);
  }

  /** Fills in the length of the frame begun last. */
  void end() {
    bytes.putInt(start, bytes.position() - start - 4);
  }

  void ascii(byte[] text) {
    room(text.length).put(text);
  }

  void ascii(String text) {
    ascii(text.getBytes(StandardCharsets.US_ASCII));
  }

  void json(Json value) {
    value.writeTo(room(value.length()));
  }

  /** A number from 0 on, in decimal. */
  void number(long value) {
    int digits = 1;
    for (long rest = value; rest >= 10; rest /= 10) {
      digits++;
    }
    room(digits);
    int at = bytes.position() + digits;
    bytes.position(at);
    long rest = value;
    do {
      bytes.put(--at, (byte) ('0' + rest % 10));
      rest /= 10;
    } while (rest > 0);
  }

  /** A JSON string; a half of a surrogate pair becomes a question mark. */
  void string(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    string(utf8, 0, utf8.length);
  }

  /** A JSON string of the UTF-8 text that stands in {@code [from, to)}. */
  void string(byte[] utf8, int from, int to) {
    room(2 + 6 * (to - from)).put((byte) '"');
    for (int i = from; i < to; i++) {
      byte c = utf8[i];
      if (c == '"' || c == '\\') {
        bytes.put((byte) '\\').put(c);
      } else if (c >= 0 && c < 0x20) {
        escape(c);
      } else {
        bytes.put(c);
      }
    }
    bytes.put((byte) '"');
  }

  private void escape(byte control) {
    // Written as Python's encoder writes them, so that both sides agree byte for byte.
    bytes.put((byte) '\\');
    switch (control) {
      case '\b' -> bytes.put((byte) 'b');
      case '\t' -> bytes.put((byte) 't');
      case '\n' -> bytes.put((byte) 'n');
      case '\f' -> bytes.put((byte) 'f');
      case '\r' -> bytes.put((byte) 'r');
      default -> {
        bytes.put((byte) 'u').put((byte) '0').put((byte) '0');
        bytes.put((byte) Character.forDigit(control >> 4, 16));
        bytes.put((byte) Character.forDigit(control & 15, 16));
      }
    }
  }

  /** What was written, as one JSON value. */
  Json toJson() {
    return Json.of(bytes.array(), 0, bytes.position());
  }

  int length() {
    return bytes.position();
  }

  /** What was written, to be read; until {@link #clear()} nothing may be written. */
  ByteBuffer toRead() {
    return bytes.flip();
  }

  /** Empties it, letting go of memory that only a burst needed. */
  void clear() {
    if (bytes.capacity() > KEPT) {
      bytes = ByteBuffer.allocate(SMALLEST);
    } else {
      bytes.clear();
    }
  }

  private ByteBuffer room(int more) {
    if (bytes.remaining() < more) {
      int wanted = Math.addExact(bytes.position(), more);
      bytes = ByteBuffer.allocate(Math.max(wanted, bytes.capacity() * 2)).put(bytes.flip());
    }
    return bytes;
  }
}
