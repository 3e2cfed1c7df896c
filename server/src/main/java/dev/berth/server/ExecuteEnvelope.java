package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.JsonScanner;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The body of an execute request, {@code {"context": {...}, "timeout_seconds": 2.5}}, both members
 * optional. The context is checked and passed on unparsed. A key given twice is refused here, where
 * it is read; within the context it is the plugin's own affair, since nobody else reads that.
 *
 * @param timeout null when none is asked for
 */
record ExecuteEnvelope(Json context, @Nullable Duration timeout) {
  private static final double MAX_TIMEOUT_SECONDS = 24 * 60 * 60;

  /**
   * Reads {@code [0, length)} of {@code body}, which must not change afterwards.
   *
   * @throws PluginException {@code invalid_json}, {@code unknown_field}, {@code context_invalid},
   *     {@code bad_request}
   */
  static ExecuteEnvelope read(byte[] body, int length) {
    int at = JsonScanner.skipWhitespace(body, 0, length);
    if (at == length) {
      throw new PluginException(
          ErrorCode.INVALID_JSON, "The body is empty. Send {\"context\": {...}}, or {}.");
    }
    if (body[at] != '{') {
      JsonScanner.skipValue(body, at, length);
      throw new PluginException(
          ErrorCode.BAD_REQUEST, "The body must be a JSON object: {\"context\": {...}}.");
    }
    Json context = null;
    Duration timeout = null;
    boolean timeoutSeen = false;
    at = JsonScanner.skipWhitespace(body, at + 1, length);
    if (at < length && body[at] == '}') {
      at++;
    } else {
      while (true) {
        int key = at;
        int keyEnd =
            key < length && body[key] == '"' ? JsonScanner.skipString(body, key, length) : key;
        at = JsonScanner.skipKey(body, key, length);
        at = JsonScanner.skipWhitespace(body, at, length);
        int end = JsonScanner.skipValue(body, at, length);
        if (is(body, key, keyEnd, "\"context\"")) {
          refuseTwice(context != null, "context");
          context = contextOf(body, at, end);
        } else if (is(body, key, keyEnd, "\"timeout_seconds\"")) {
          refuseTwice(timeoutSeen, "timeout_seconds");
          timeoutSeen = true;
          timeout = timeoutOf(body, at, end);
        } else {
          throw unknown(new String(body, key + 1, keyEnd - key - 2, StandardCharsets.UTF_8));
        }
        at = JsonScanner.skipWhitespace(body, end, length);
        if (at < length && body[at] == ',') {
          at = JsonScanner.skipWhitespace(body, at + 1, length);
        } else if (at < length && body[at] == '}') {
          at++;
          break;
        } else {
          throw invalid(at, at < length ? "expected ',' or '}'" : "the object is not closed");
        }
      }
    }
    at = JsonScanner.skipWhitespace(body, at, length);
    if (at != length) {
      throw invalid(at, "more after the value");
    }
    return new ExecuteEnvelope(context == null ? Json.EMPTY_OBJECT : context, timeout);
  }

  private static boolean is(byte[] body, int from, int to, String text) {
    return to - from == text.length() && JsonScanner.startsWith(body, from, to, text);
  }

  private static Json contextOf(byte[] body, int from, int to) {
    if (body[from] != '{') {
      throw new PluginException(
          ErrorCode.CONTEXT_INVALID,
          "'context' must be a JSON object, such as {\"message\": \"Hello\"}.",
          Map.of("field", "context"),
          null);
    }
    return Json.scanned(body, from, to);
  }

  private static @Nullable Duration timeoutOf(byte[] body, int from, int to) {
    String text = new String(body, from, to - from, StandardCharsets.UTF_8);
    if (text.equals("null")) {
      return null;
    }
    byte first = body[from];
    double seconds =
        first == '-' || (first >= '0' && first <= '9') ? Double.parseDouble(text) : Double.NaN;
    if (!(seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS)) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "'timeout_seconds' must be a number above 0 and at most 86400, not "
              + Text.printable(text, 40)
              + ".",
          Map.of("field", "timeout_seconds"),
          null);
    }
    return Duration.ofNanos(Math.max(1, (long) (seconds * 1e9)));
  }

  private static void refuseTwice(boolean seen, String key) {
    if (seen) {
      throw new PluginException(
          ErrorCode.INVALID_JSON, "'" + key + "' is there twice.", Map.of("field", key), null);
    }
  }

  private static PluginException unknown(String key) {
    String shown = Text.printable(key, 80);
    return new PluginException(
        ErrorCode.UNKNOWN_FIELD,
        "There is no field '" + shown + "' here. What a plugin is to get goes into 'context'.",
        Map.of("field", shown, "known", java.util.List.of("context", "timeout_seconds")),
        null);
  }

  private static PluginException invalid(int at, String what) {
    return new PluginException(
        ErrorCode.INVALID_JSON, "Not valid JSON at byte " + at + ": " + what + ".");
  }
}
