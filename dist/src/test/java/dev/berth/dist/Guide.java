package dev.berth.dist;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * A guide below {@code docs/}, read for the tests that hold it to the code.
 *
 * @param text the whole file
 */
record Guide(String text) {
  private static final Pattern CODE =
      Pattern.compile("^```(\\w+)\\n(.*?)^```", Pattern.MULTILINE | Pattern.DOTALL);
  private static final Pattern WORD = Pattern.compile("`([^`]+)`");

  static Guide read(String file) {
    try {
      return new Guide(Files.readString(Path.of("../docs").resolve(file)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The rows of the table that begins with this heading, such as {@code | option | meaning |}. */
  List<List<String>> table(String heading) {
    List<String> lines = text.lines().toList();
    int at = lines.indexOf(heading);
    if (at < 0) {
      throw new AssertionError("no table begins with " + heading);
    }
    List<List<String>> rows = new ArrayList<>();
    for (String line : lines.subList(at + 2, lines.size())) {
      if (!line.startsWith("|")) {
        break;
      }
      rows.add(List.of(line.substring(1, line.lastIndexOf('|')).strip().split("\\s*\\|\\s*", -1)));
    }
    return rows;
  }

  /** The blocks of code in one language, in their order. */
  List<String> code(String language) {
    return CODE.matcher(text)
        .results()
        .filter(block -> block.group(1).equals(language))
        .map(block -> block.group(2))
        .toList();
  }

  /** What stands between backquotes in a cell of a table. */
  static List<String> words(String cell) {
    return WORD.matcher(cell).results().map((MatchResult word) -> word.group(1)).toList();
  }
}
