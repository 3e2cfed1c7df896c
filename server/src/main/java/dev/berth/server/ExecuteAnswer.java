package dev.berth.server;

import dev.berth.api.ExecutionResult;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/** {@code {"success":true,"result":...,"execution_time":0.245000}}, the result spliced in. */
final class ExecuteAnswer {
  private static final byte[] TRUE = ascii("{\"success\":true,\"result\":");
  private static final byte[] FALSE = ascii("{\"success\":false,\"result\":");
  private static final byte[] TIME = ascii(",\"execution_time\":");
  private static final int MAX_TIME = 32;

  private ExecuteAnswer() {}

  static ByteBuffer of(ExecutionResult.Succeeded answer) {
    byte[] head = answer.success() ? TRUE : FALSE;
    ByteBuffer out =
        ByteBuffer.allocate(head.length + answer.result().length() + TIME.length + MAX_TIME);
    out.put(head);
    answer.result().writeTo(out);
    out.put(TIME);
    putSeconds(out, answer.elapsed().toNanos() / 1000);
    out.put((byte) '}');
    return out.flip();
  }

  /** Microseconds as seconds with six decimals. */
  private static void putSeconds(ByteBuffer out, long micros) {
    long positive = Math.max(0, micros);
    out.put(ascii(Long.toString(positive / 1_000_000)));
    out.put((byte) '.');
    int rest = (int) (positive % 1_000_000);
    for (int unit = 100_000; unit > 0; unit /= 10) {
      out.put((byte) ('0' + rest / unit % 10));
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
