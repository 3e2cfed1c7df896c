package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.JsonScanner;
import dev.berth.api.PluginException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads JSON text member by member, without a tree. Every byte is checked on the way; on bad input,
 * or a value of another kind than asked for, it throws {@link PluginException} with {@code
 * invalid_json}.
 */
final class JsonReader {
  private final byte[] text;
  private final int to;
  private final boolean mayKeep;
  private int at;
  private boolean first;

  /**
   * @param mayKeep whether values read may go on using {@code text}; else they are copied out of it
   */
  JsonReader(byte[] text, int from, int to, boolean mayKeep) {
    this.text = text;
    this.to = to;
    this.mayKeep = mayKeep;
    this.at = from;
  }

  void beginObject() {
    expect('{');
    first = true;
  }

  /** The next member's key; null where the object ends. */
  @Nullable String nextKey() {
    if (ends('}')) {
      return null;
    }
    int from = at;
    at = JsonScanner.skipKey(text, from, to);
    int end = at - 1; // At the colon; white space may stand before it.
    while (text[end] != '"') {
      end--;
    }
    return decode(from, end + 1);
  }

  void beginArray() {
    expect('[');
    first = true;
  }

  /** Whether another element follows; false where the array ends. */
  boolean nextElement() {
    return !ends(']');
  }

  private boolean ends(char close) {
    at = JsonScanner.skipWhitespace(text, at, to);
    if (at < to && text[at] == close) {
      at++;
      first = false;
      return true;
    }
    if (!first) {
      expect(',');
      at = JsonScanner.skipWhitespace(text, at, to);
    }
    first = false;
    return false;
  }

  /** Any value, as it stands. */
  Json value() {
    int from = JsonScanner.skipWhitespace(text, at, to);
    at = JsonScanner.skipValue(text, from, to);
    return mayKeep
        ? Json.scanned(text, from, at)
        : Json.scanned(Arrays.copyOfRange(text, from, at), 0, at - from);
  }

  String string() {
    int from = JsonScanner.skipWhitespace(text, at, to);
    if (from >= to || text[from] != '"') {
      throw error("expected a string");
    }
    at = JsonScanner.skipString(text, from, to);
    return decode(from, at);
  }

  /** A whole number of at most 18 digits. */
  long integer() {
    int from = JsonScanner.skipWhitespace(text, at, to);
    at = JsonScanner.skipValue(text, from, to);
    boolean negative = text[from] == '-';
    int digits = negative ? from + 1 : from;
    if (at - digits < 1 || at - digits > 18) {
      throw error("expected a whole number");
    }
    long number = 0;
    for (int i = digits; i < at; i++) {
      if (text[i] < '0' || text[i] > '9') {
        throw error("expected a whole number");
      }
      number = number * 10 + text[i] - '0';
    }
    return negative ? -number : number;
  }

  /** A number or null. */
  @Nullable Double numberOrNull() {
    String number = scalar();
    if (number.equals("null")) {
      return null;
    }
    try {
      return Double.valueOf(number);
    } catch (NumberFormatException e) {
      throw error("expected a number or null");
    }
  }

  boolean bool() {
    return switch (scalar()) {
      case "true" -> true;
      case "false" -> false;
      default -> throw error("expected true or false");
    };
  }

  private String scalar() {
    int from = JsonScanner.skipWhitespace(text, at, to);
    at = JsonScanner.skipValue(text, from, to);
    // What is longer than this is no scalar that anybody asks for.
    return new String(text, from, Math.min(at - from, 101), StandardCharsets.ISO_8859_1);
  }

  /** Checks that nothing but white space follows. */
  void end() {
    at = JsonScanner.skipWhitespace(text, at, to);
    if (at != to) {
      throw error("more after the value");
    }
  }

  private void expect(char c) {
    at = JsonScanner.skipWhitespace(text, at, to);
    if (at >= to || text[at] != c) {
      throw error("expected '" + c + "'");
    }
    at++;
  }

  PluginException error(String what) {
    return new PluginException(ErrorCode.INVALID_JSON, "at byte " + at + ": " + what);
  }

  /** The text of the string whose quotes stand at {@code from} and before {@code end}. */
  private String decode(int from, int end) {
    String raw = new String(text, from + 1, end - from - 2, StandardCharsets.UTF_8);
    int escape = raw.indexOf('\\');
    if (escape < 0) {
      return raw;
    }
    var out = new StringBuilder(raw.length());
    int done = 0;
    while (escape >= 0) {
      out.append(raw, done, escape);
      char c = raw.charAt(escape + 1);
      done = escape + 2;
      switch (c) {
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'n' -> out.append('\n');
        case 'r' -> out.append('\r');
        case 't' -> out.append('\t');
        case 'u' -> {
          out.append((char) Integer.parseInt(raw, done, done + 4, 16));
          done += 4;
        }
        default -> out.append(c);
      }
      escape = raw.indexOf('\\', done);
    }
    return out.append(raw, done, raw.length()).toString();
  }
}
