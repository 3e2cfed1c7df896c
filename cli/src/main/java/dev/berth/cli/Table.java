package dev.berth.cli;

import java.util.ArrayList;
import java.util.List;

/** Columns for people. */
final class Table {
  private static final String GAP = "  ";

  private final List<List<String>> rows = new ArrayList<>();

  Table(String... heading) {
    rows.add(List.of(heading));
  }

  void row(String... cells) {
    rows.add(java.util.Arrays.stream(cells).map(Terminal::oneLine).toList());
  }

  /**
   * Prints it. On a terminal the last column is cut so that no line is wider than it.
   *
   * <p>A cell is as wide as it has code points; East Asian text may stand a little out of line.
   */
  void print(Terminal terminal) {
    int last = rows.getFirst().size() - 1;
    int[] widths = new int[last];
    for (List<String> row : rows) {
      for (int i = 0; i < last; i++) {
        widths[i] = Math.max(widths[i], width(row.get(i)));
      }
    }
    for (List<String> row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < last; i++) {
        line.append(row.get(i)).repeat(' ', widths[i] - width(row.get(i))).append(GAP);
      }
      String cell = row.get(last);
      int room = terminal.columns() - width(line.toString());
      if (terminal.outTerminal() && room > 3 && width(cell) > room) {
        cell = cell.substring(0, cell.offsetByCodePoints(0, room - 3)) + "...";
      }
      terminal.line(line.append(cell).toString().stripTrailing());
    }
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
