package dev.berth.host.egress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Where the body of a plain request ends (RFC 9112 section 6), so that nothing after it passes: a
 * second request on the connection was checked by nobody. Stricter than the RFC, since whatever two
 * readers may understand in two ways hides a request from one of them: no chunk extensions, no
 * trailers, one length.
 */
final class RequestBody {
  private static final String CR_LF = "\r\n";

  private enum State {
    PLAIN,
    SIZE,
    SIZE_END,
    DATA,
    DATA_END,
    LAST_END,
    ENDED
  }

  private State state;
  private long left;
  private int digits;
  private int ends;

  private RequestBody(State state, long left) {
    this.state = state;
    this.left = left;
  }

  /** The body that these header lines announce; empty when it can be understood in two ways. */
  static Optional<RequestBody> announced(List<String> headers, boolean chunksKnown) {
    List<String> lengths = values(headers, "content-length");
    List<String> codings = values(headers, "transfer-encoding");
    if (lengths.size() + codings.size() > 1) {
      return Optional.empty();
    }
    if (!codings.isEmpty()) {
      return chunksKnown && codings.getFirst().equalsIgnoreCase("chunked")
          ? Optional.of(new RequestBody(State.SIZE, 0))
          : Optional.empty();
    }
    String length = lengths.isEmpty() ? "0" : lengths.getFirst();
    if (!length.matches("[0-9]{1,18}")) {
      return Optional.empty();
    }
    long size = Long.parseLong(length);
    return Optional.of(new RequestBody(size == 0 ? State.ENDED : State.PLAIN, size));
  }

  private static List<String> values(List<String> headers, String name) {
    return headers.stream()
        .filter(h -> h.substring(0, h.indexOf(':')).toLowerCase(Locale.ROOT).equals(name))
        .map(h -> h.substring(name.length() + 1).strip())
        .toList();
  }

  /** Whether nothing more belongs to it. */
  boolean ended() {
    return state == State.ENDED;
  }

  /**
   * Takes the bytes between position and limit, and ends them where the body ends.
   *
   * @return whether there were bytes after its end
   * @throws IOException when they are no body of the announced kind
   */
  boolean take(ByteBuffer bytes) throws IOException {
    int at = bytes.position();
    while (at < bytes.limit() && !ended()) {
      if (state == State.PLAIN || state == State.DATA) {
        int count = (int) Math.min(left, bytes.limit() - at);
        at += count;
        left -= count;
        if (left == 0) {
          state = state == State.PLAIN ? State.ENDED : State.DATA_END;
        }
      } else {
        step(bytes.get(at));
        at++;
      }
    }
    boolean more = at < bytes.limit();
    bytes.limit(at);
    return more;
  }

  private void step(byte b) throws IOException {
    if (state == State.SIZE && b != '\r') {
      int digit = Character.digit(b, 16);
      if (digit < 0 || ++digits > 8) {
        throw new IOException("not the size of a chunk");
      }
      left = left * 16 + digit;
      return;
    }
    if (state == State.SIZE) {
      if (digits == 0) {
        throw new IOException("a chunk without a size");
      }
      state = State.SIZE_END;
    }
    if (b != CR_LF.charAt(ends)) {
      throw new IOException("a chunk that does not end as it should");
    }
    ends++;
    if (ends == CR_LF.length()) {
      ends = 0;
      next();
    }
  }

  private void next() {
    if (state == State.SIZE_END) {
      state = left == 0 ? State.LAST_END : State.DATA;
    } else if (state == State.DATA_END) {
      state = State.SIZE;
      digits = 0;
    } else {
      state = State.ENDED;
    }
  }
}
