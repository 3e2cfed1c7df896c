package dev.berth.api;

/** Text that came from outside, made fit for a message or a terminal. */
public final class Text {
  private Text() {}

  /**
   * Returns {@code raw} with every control, format, private-use, unassigned and half-a-pair
   * surrogate character written as an escape of the form backslash, {@code u}, four hexadecimal
   * digits (two of them above U+FFFF), cut to {@code limit} characters. What a stranger wrote can
   * then neither move a cursor nor forge a line.
   */
  public static String printable(String raw, int limit) {
    var out = new StringBuilder(Math.min(raw.length(), limit));
    int codePoint;
    for (int i = 0; i < raw.length(); i += Character.charCount(codePoint)) {
      if (out.length() >= limit) {
        return out.append("...").toString();
      }
      codePoint = raw.codePointAt(i);
      switch (Character.getType(codePoint)) {
        case Character.CONTROL,
            Character.FORMAT,
            Character.SURROGATE,
            Character.PRIVATE_USE,
            Character.UNASSIGNED,
            Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR -> {
          for (char half : Character.toChars(codePoint)) {
            out.append(String.format("\\u%04x", (int) half));
          }
        }
        default -> out.appendCodePoint(codePoint);
      }
    }
    return out.toString();
  }
}
