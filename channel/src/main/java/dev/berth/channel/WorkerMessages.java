package dev.berth.channel;

import dev.berth.api.Json;
import dev.berth.api.JsonScanner;
import dev.berth.api.PluginException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads the messages of a worker, which is not trusted. The answer to a call is recognised by its
 * canonical form and its value scanned, not parsed; everything else is read member by member.
 */
final class WorkerMessages {
  private static final byte[] BEFORE_ID = ascii("{\"jsonrpc\":\"2.0\",\"id\":");
  private static final byte[] VALUE_OF_TRUE = ascii(",\"result\":{\"success\":true,\"value\":");
  private static final byte[] VALUE_OF_FALSE = ascii(",\"result\":{\"success\":false,\"value\":");

  private WorkerMessages() {}

  /**
   * The message that stands in {@code [from, to)}.
   *
   * @param mayKeep whether the message may go on using {@code text}
   * @throws PluginException {@code invalid_json}, for what is no message of a worker's
   */
  static WorkerMessage read(byte[] text, int from, int to, boolean mayKeep) {
    WorkerMessage hot = readExecuted(text, from, to, mayKeep);
    return hot != null ? hot : new MessageDraft(new JsonReader(text, from, to, mayKeep)).read();
  }

  private static @Nullable WorkerMessage readExecuted(
      byte[] text, int from, int to, boolean mayKeep) {
    if (!startsWith(text, from, to, BEFORE_ID)) {
      return null;
    }
    int at = from + BEFORE_ID.length;
    long id = 0;
    if (at < to && text[at] == '0') {
      return null;
    }
    int most = Math.min(to, at + 18);
    while (at < most && text[at] >= '0' && text[at] <= '9') {
      id = id * 10 + text[at++] - '0';
    }
    boolean success;
    if (startsWith(text, at, to, VALUE_OF_TRUE)) {
      success = true;
      at += VALUE_OF_TRUE.length;
    } else if (startsWith(text, at, to, VALUE_OF_FALSE)) {
      success = false;
      at += VALUE_OF_FALSE.length;
    } else {
      return null;
    }
    int end = JsonScanner.skipValue(text, at, to);
    if (to - end != 2 || text[end] != '}' || text[end + 1] != '}' || text[at] <= ' ') {
      return null;
    }
    Json value =
        mayKeep
            ? Json.scanned(text, at, end)
            : Json.scanned(Arrays.copyOfRange(text, at, end), 0, end - at);
    return new WorkerMessage.Executed(id, success, value);
  }

  private static boolean startsWith(byte[] text, int from, int to, byte[] prefix) {
    return to - from >= prefix.length
        && Arrays.equals(text, from, from + prefix.length, prefix, 0, prefix.length);
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
