package dev.berth.host.egress;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * The head of what a destination answers to a plain request, as the plugin gets it: with the word
 * that the connection ends with this answer, since libraries keep connections to a proxy for
 * requests to any destination, and only the first is passed on.
 *
 * @param interim whether another head follows, as after {@code 100 Continue}
 */
record AnswerHead(ByteBuffer bytes, boolean interim) {
  /**
   * Reads the first {@code end} bytes, up to and with the empty line; copies what it can't read.
   */
  static AnswerHead read(byte[] bytes, int end) {
    String[] lines = new String(bytes, 0, end, StandardCharsets.ISO_8859_1).split("\r\n", -1);
    if (!lines[0].startsWith("HTTP/1.")) {
      return new AnswerHead(ByteBuffer.wrap(bytes.clone(), 0, end), false);
    }
    if (lines[0].matches("HTTP/1\\.[01] 1[0-9][0-9].*")) {
      return new AnswerHead(ByteBuffer.wrap(bytes.clone(), 0, end), true);
    }
    StringBuilder out = new StringBuilder(lines[0]);
    for (int i = 1; i < lines.length - 2; i++) {
      int colon = lines[i].indexOf(':');
      String name = colon < 0 ? "" : lines[i].substring(0, colon).toLowerCase(Locale.ROOT);
      if (!name.equals("connection")
          && !name.equals("keep-alive")
          && !name.equals("proxy-connection")) {
        out.append("\r\n").append(lines[i]);
      }
    }
    out.append("\r\nConnection: close\r\n\r\n");
    return new AnswerHead(
        ByteBuffer.wrap(out.toString().getBytes(StandardCharsets.ISO_8859_1)), false);
  }
}
