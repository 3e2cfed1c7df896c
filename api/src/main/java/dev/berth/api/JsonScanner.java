package dev.berth.api;

/**
 * Checks JSON text without building anything from it: RFC 8259 grammar over strict UTF-8 (RFC
 * 3629), with the interoperability rule of RFC 7493 that a surrogate must be half of a pair.
 * Nesting is limited to {@value #MAX_DEPTH} and a number to {@value #MAX_NUMBER} characters, so
 * what passes here is cheap and safe to parse anywhere.
 *
 * <p>Every method takes positions into the array and returns the one after what it read. On bad
 * input it throws {@link PluginException} with {@link ErrorCode#INVALID_JSON}.
 */
public final class JsonScanner {
  /** The deepest nesting of arrays and objects let through. */
  public static final int MAX_DEPTH = 64;

  /** The longest number let through, in characters. */
  public static final int MAX_NUMBER = 100;

  private JsonScanner() {}

  /** Skips one value of any kind, white space before it included. */
  public static int skipValue(byte[] text, int from, int to) {
    int at = from;
    int depth = 0;
    long objects = 0; // bit n-1: the container at depth n is an object
    while (true) {
      at = skipWhitespace(text, at, to);
      if (at >= to) {
        throw error(at, "the text ends where a value is expected");
      }
      byte c = text[at];
      boolean opened = false;
      if (c == '{' || c == '[') {
        if (depth == MAX_DEPTH) {
          throw error(at, "nested deeper than " + MAX_DEPTH);
        }
        long bit = 1L << depth;
        objects = c == '{' ? objects | bit : objects & ~bit;
        depth++;
        at = skipWhitespace(text, at + 1, to);
        opened = !(at < to && text[at] == (c == '{' ? '}' : ']'));
      } else if (c == '"') {
        at = skipString(text, at, to);
      } else if (c == '-' || (c >= '0' && c <= '9')) {
        at = skipNumber(text, at, to);
      } else {
        at = skipLiteral(text, at, to);
      }
      if (opened) {
        if ((objects >>> (depth - 1) & 1) != 0) {
          at = skipKey(text, at, to);
        }
        continue;
      }
      // A value has ended: close what it closes, then go on to the next one of its container.
      while (true) {
        if (depth == 0) {
          return at;
        }
        at = skipWhitespace(text, at, to);
        boolean object = (objects >>> (depth - 1) & 1) != 0;
        if (at >= to) {
          throw error(at, object ? "an object is not closed" : "an array is not closed");
        }
        byte next = text[at++];
        if (next == ',') {
          if (object) {
            at = skipKey(text, skipWhitespace(text, at, to), to);
          }
          break;
        }
        if (next != (object ? '}' : ']')) {
          throw error(at - 1, object ? "expected ',' or '}'" : "expected ',' or ']'");
        }
        depth--;
      }
    }
  }

  /** Skips a member's key and its colon; {@code from} is at the key. */
  public static int skipKey(byte[] text, int from, int to) {
    if (from >= to || text[from] != '"') {
      throw error(from, "expected a key in double quotes");
    }
    int at = skipWhitespace(text, skipString(text, from, to), to);
    if (at >= to || text[at] != ':') {
      throw error(at, "expected ':' after the key");
    }
    return at + 1;
  }

  /** Skips spaces, tabs and line ends; never fails. */
  public static int skipWhitespace(byte[] text, int from, int to) {
    int at = from;
    while (at < to
        && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
      at++;
    }
    return at;
  }

  /** Skips a string; {@code from} is at its opening quote. */
  public static int skipString(byte[] text, int from, int to) {
    int at = from + 1;
    while (at < to) {
      byte c = text[at];
      if (c >= 0x20 && c != '"' && c != '\\') {
        at++;
      } else if (c == '"') {
        return at + 1;
      } else if (c == '\\') {
        at = skipEscape(text, at, to);
      } else if (c < 0) {
        at = skipMultibyte(text, at, to);
      } else {
        throw error(at, "a control character stands unescaped in a string");
      }
    }
    throw error(at, "a string is not closed");
  }

  private static int skipEscape(byte[] text, int from, int to) {
    if (from + 1 >= to) {
      throw error(from, "the text ends in an escape");
    }
    return switch (text[from + 1]) {
      case '"', '\\', '/', 'b', 'f', 'n', 'r', 't' -> from + 2;
      case 'u' -> {
        int unit = hex4(text, from + 2, to);
        if (!Character.isSurrogate((char) unit)) {
          yield from + 6;
        }
        boolean pair =
            Character.isHighSurrogate((char) unit)
                && from + 7 < to
                && text[from + 6] == '\\'
                && text[from + 7] == 'u'
                && Character.isLowSurrogate((char) hex4(text, from + 8, to));
        if (!pair) {
          throw error(from, "half of a surrogate pair");
        }
        yield from + 12;
      }
      default -> throw error(from, "an unknown escape");
    };
  }

  private static int hex4(byte[] text, int from, int to) {
    if (from + 4 > to) {
      throw error(from, "the text ends in an escape");
    }
    int value = 0;
    for (int i = from; i < from + 4; i++) {
      int digit = text[i] < 0 ? -1 : Character.digit((char) text[i], 16);
      if (digit < 0) {
        throw error(i, "expected a hexadecimal digit");
      }
      value = value << 4 | digit;
    }
    return value;
  }

  private static int skipMultibyte(byte[] text, int at, int to) {
    int b0 = text[at] & 0xff;
    int more = b0 >= 0xf0 ? 3 : b0 >= 0xe0 ? 2 : 1;
    if (b0 < 0xc2 || b0 > 0xf4 || at + more >= to) {
      throw error(at, "not UTF-8");
    }
    int b1 = text[at + 1] & 0xff;
    // The first continuation byte rules out overlong forms, surrogates and what is past U+10FFFF.
    int low = b0 == 0xe0 ? 0xa0 : b0 == 0xf0 ? 0x90 : 0x80;
    int high = b0 == 0xed ? 0x9f : b0 == 0xf4 ? 0x8f : 0xbf;
    if (b1 < low || b1 > high) {
      throw error(at, "not UTF-8");
    }
    for (int i = 2; i <= more; i++) {
      if ((text[at + i] & 0xc0) != 0x80) {
        throw error(at, "not UTF-8");
      }
    }
    return at + more + 1;
  }

  private static int skipNumber(byte[] text, int from, int to) {
    int at = from;
    if (text[at] == '-') {
      at++;
    }
    if (at < to && text[at] == '0') {
      at++;
    } else {
      at = skipDigits(text, at, to);
    }
    if (at < to && text[at] == '.') {
      at = skipDigits(text, at + 1, to);
    }
    if (at < to && (text[at] == 'e' || text[at] == 'E')) {
      at++;
      if (at < to && (text[at] == '+' || text[at] == '-')) {
        at++;
      }
      at = skipDigits(text, at, to);
    }
    if (at - from > MAX_NUMBER) {
      throw error(from, "a number longer than " + MAX_NUMBER + " characters");
    }
    return at;
  }

  private static int skipDigits(byte[] text, int from, int to) {
    int at = from;
    while (at < to && text[at] >= '0' && text[at] <= '9') {
      at++;
    }
    if (at == from) {
      throw error(at, "expected a digit");
    }
    return at;
  }

  private static int skipLiteral(byte[] text, int from, int to) {
    for (String literal : LITERALS) {
      if (startsWith(text, from, to, literal)) {
        return from + literal.length();
      }
    }
    throw error(from, "expected a value");
  }

  private static final String[] LITERALS = {"true", "false", "null"};

  /** Whether the ASCII text {@code prefix} stands at {@code from}. */
  public static boolean startsWith(byte[] text, int from, int to, String prefix) {
    if (to - from < prefix.length()) {
      return false;
    }
    for (int i = 0; i < prefix.length(); i++) {
      if (text[from + i] != prefix.charAt(i)) {
        return false;
      }
    }
    return true;
  }

  private static PluginException error(int at, String what) {
    return new PluginException(
        ErrorCode.INVALID_JSON, "Not valid JSON at byte " + at + ": " + what + ".");
  }
}
