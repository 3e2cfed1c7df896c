package dev.berth.api;

/** Text that came from outside, made fit for a message or a terminal. */
public final class Text {
  private Text() {}

  /**
   * Returns {@code raw} with every control, format, surrogate and private-use character written as
   * an escape of the form backslash, {@code u}, four hexadecimal digits, cut to {@code limit}
   * characters. What a stranger wrote can then neither move a cursor nor forge a line.
   */
  public static String printable(String raw, int limit) {
    var out = new StringBuilder(Math.min(raw.length(), limit));
    for (int i = 0; i < raw.length(); i++) {
      if (out.length() >= limit) {
        return out.append("...").toString();
      }
      char c = raw.charAt(i);
      switch (Character.getType(c)) {
        case Character.CONTROL,
            Character.FORMAT,
            Character.SURROGATE,
            Character.PRIVATE_USE,
            Character.UNASSIGNED,
            Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR ->
            out.append(String.format("\\u%04x", (int) c));
        default -> out.append(c);
      }
    }
    return out.toString();
  }
}
