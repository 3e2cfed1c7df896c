package dev.berth.cli;

import java.util.ArrayList;
import java.util.List;

/** Columns for people. */
final class Table {
  private static final String GAP = "  ";

  /** The least room that a column is worth showing in. */
  private static final int LEAST = 8;

  private final List<List<String>> rows = new ArrayList<>();

  Table(String... heading) {
    rows.add(List.of(heading));
  }

  void row(String... cells) {
    rows.add(java.util.Arrays.stream(cells).map(Terminal::oneLine).toList());
  }

  /**
   * Prints it. On a terminal no line is wider than it: columns that have no room are left out, from
   * the right, and the last that is left is cut.
   *
   * <p>A cell is as wide as it has code points; East Asian text may stand a little out of line.
   */
  void print(Terminal terminal) {
    int last = rows.getFirst().size() - 1;
    int[] widths = new int[last + 1];
    for (List<String> row : rows) {
      for (int i = 0; i <= last; i++) {
        widths[i] = Math.max(widths[i], width(row.get(i)));
      }
    }
    int before = 0;
    for (int i = 0; i < last; i++) {
      before += widths[i] + GAP.length();
    }
    while (terminal.outTerminal()
        && last > 0
        && terminal.columns() - before < Math.min(LEAST, widths[last])) {
      last--;
      before -= widths[last] + GAP.length();
    }
    for (List<String> row : rows) {
      var line = new StringBuilder();
      for (int i = 0; i < last; i++) {
        line.append(row.get(i)).repeat(' ', widths[i] - width(row.get(i))).append(GAP);
      }
      String cell = row.get(last);
      int room = terminal.columns() - before;
      if (terminal.outTerminal() && width(cell) > room) {
        cell = cell.substring(0, cell.offsetByCodePoints(0, Math.max(0, room - 3))) + "...";
      }
      terminal.line(line.append(cell).toString().stripTrailing());
    }
  }

  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
