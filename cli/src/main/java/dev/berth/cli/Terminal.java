package dev.berth.cli;

import dev.berth.api.Text;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a command reads and writes. Everything is UTF-8, whatever the locale, and everything that
 * came from a server or a plugin goes through {@link #printable} on its way out.
 *
 * @param inTerminal whether somebody can answer a question
 * @param outTerminal whether somebody reads {@code out} as it comes
 * @param errTerminal whether somebody reads {@code err} as it comes
 * @param columns the width of the terminal
 */
record Terminal(
    BufferedReader in,
    PrintStream out,
    PrintStream err,
    boolean inTerminal,
    boolean outTerminal,
    boolean errTerminal,
    int columns) {

  /** More than anything that is shown; what is printed is as long as it is. */
  private static final int NO_LIMIT = Integer.MAX_VALUE;

  /**
   * The process's own. The {@code berth} script knows which of its descriptors are terminals and
   * passes their numbers in {@code berth.terminal}; without it none is taken for one.
   */
  static Terminal ofProcess(PrintStream out, PrintStream err, Map<String, String> environment) {
    String terminals = System.getProperty("berth.terminal", "");
    return new Terminal(
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)),
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        terminals.contains("0"),
        terminals.contains("1"),
        terminals.contains("2"),
        columns(System.getProperty("berth.columns", environment.getOrDefault("COLUMNS", ""))));
  }

  private static int columns(String text) {
    try {
      int columns = Integer.parseInt(text);
      return columns >= 20 ? columns : 80;
    } catch (NumberFormatException _) {
      return 80;
    }
  }

  /** {@code raw} with line breaks kept and every other control character escaped. */
  static String printable(String raw) {
    var out = new StringBuilder(raw.length());
    int start = 0;
    for (int end = raw.indexOf('\n'); end >= 0; end = raw.indexOf('\n', start)) {
      String line = raw.substring(start, end);
      out.append(
          Text.printable(
              line.endsWith("\r") ? line.substring(0, line.length() - 1) : line, NO_LIMIT));
      out.append('\n');
      start = end + 1;
    }
    return out.append(Text.printable(raw.substring(start), NO_LIMIT)).toString();
  }

  /** {@code raw} on one line. */
  static String oneLine(String raw) {
    return Text.printable(raw.strip().replaceAll("\\s*\\R\\s*", " "), NO_LIMIT);
  }

  /** Prints a line of the answer, or several. */
  void line(String text) {
    out.println(printable(text));
  }

  /** Prints a remark for a person; nothing when nobody reads it. */
  void remark(String text) {
    if (errTerminal) {
      err.println(printable(text));
    }
  }

  /**
   * Shows {@code text} in the terminal's last line, in the place of what was shown there before.
   */
  void status(String text) {
    if (errTerminal) {
      String line = oneLine(text);
      int room = Math.max(1, columns - 1);
      int codePoints = line.codePointCount(0, line.length());
      String cut = codePoints <= room ? line : line.substring(0, line.offsetByCodePoints(0, room));
      err.print("\r\u001b[K" + cut);
      err.flush();
    }
  }

  /** Takes away what {@link #status} showed. */
  void clearStatus() {
    if (errTerminal) {
      err.print("\r\u001b[K");
      err.flush();
    }
  }

  /** Asks, and reads the answer; null when the input has ended. */
  @Nullable String ask(String question) {
    err.print(printable(question));
    err.flush();
    return readLine();
  }

  /**
   * Reads a secret: typed unseen where somebody types, else a line of the input; null when that has
   * ended.
   */
  @SuppressWarnings(
      "SystemConsoleNull") // it is null on JDK 25 when only one of in and out is a terminal
  @Nullable String secret(String question) {
    if (!inTerminal) {
      return readLine();
    }
    var console = System.console();
    if (console == null) {
      throw ExitCode.usage(
          "A secret can't be typed unseen while the output goes elsewhere. Pipe it in, or don't redirect.");
    }
    char[] typed = console.readPassword("%s", printable(question));
    return typed == null ? null : new String(typed);
  }

  private @Nullable String readLine() {
    try {
      return in.readLine();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** All that comes in. */
  String readAll() {
    try {
      return in.readAllAsString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
