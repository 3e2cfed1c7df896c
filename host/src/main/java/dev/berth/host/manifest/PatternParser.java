package dev.berth.host.manifest;

import dev.berth.api.Text;
import dev.berth.host.manifest.PatternNode.Chars;
import dev.berth.host.manifest.PatternNode.Choice;
import dev.berth.host.manifest.PatternNode.Repeat;
import dev.berth.host.manifest.PatternNode.Sequence;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads a regular expression of what Java, Python and JavaScript spell and mean alike: literals,
 * {@code .}, classes, {@code \d \w \s} and their negations (ASCII), groups, {@code |}, {@code * +
 * ?} and {@code {m,n}}. {@code ^} at the beginning and {@code $} at the end are allowed and change
 * nothing, for a text is always matched whole. Look-around, back-references and flags are not
 * known.
 */
final class PatternParser {
  private static final int MAX_COUNT = 1000;
  private static final String DIGIT = "09";
  private static final String WORD = "09AZ__az";
  private static final String SPACE = "\t\r  ";

  private final String text;
  private final int end;
  private int at;

  PatternParser(String text) {
    this.text = text;
    boolean anchored = text.endsWith("$") && !escaped(text, text.length() - 1);
    this.end = anchored ? text.length() - 1 : text.length();
    this.at = text.startsWith("^") ? 1 : 0;
  }

  private static boolean escaped(String text, int index) {
    int backslashes = 0;
    while (index - backslashes > 0 && text.charAt(index - backslashes - 1) == '\\') {
      backslashes++;
    }
    return backslashes % 2 == 1;
  }

  /**
   * The whole of it.
   *
   * @throws IllegalArgumentException with what it has that is not known or wrong
   */
  PatternNode pattern() {
    PatternNode node = choice();
    if (at < end) {
      throw bad("has a ) without its (");
    }
    return node;
  }

  private PatternNode choice() {
    List<PatternNode> branches = new ArrayList<>();
    branches.add(sequence());
    while (at < end && text.charAt(at) == '|') {
      at++;
      branches.add(sequence());
    }
    return branches.size() == 1 ? branches.getFirst() : new Choice(branches);
  }

  private PatternNode sequence() {
    List<PatternNode> parts = new ArrayList<>();
    while (at < end && text.charAt(at) != '|' && text.charAt(at) != ')') {
      parts.add(repeat(atom()));
    }
    return new Sequence(parts);
  }

  private PatternNode repeat(PatternNode part) {
    if (at == end) {
      return part;
    }
    PatternNode repeated;
    switch (text.charAt(at)) {
      case '*' -> repeated = new Repeat(part, 0, -1);
      case '+' -> repeated = new Repeat(part, 1, -1);
      case '?' -> repeated = new Repeat(part, 0, 1);
      case '{' -> repeated = counted(part);
      default -> {
        return part;
      }
    }
    at++;
    // Matched whole, a lazy quantifier means the same as a greedy one.
    if (at < end && text.charAt(at) == '?') {
      at++;
    }
    if (at < end && "*+?{".indexOf(text.charAt(at)) >= 0) {
      throw bad("has two quantifiers in a row");
    }
    return repeated;
  }

  private PatternNode counted(PatternNode part) {
    int close = text.indexOf('}', at);
    String inside = close < 0 ? "" : text.substring(at + 1, close);
    if (!inside.matches("[0-9]{1,4}(,[0-9]{0,4})?")) {
      throw bad("has a { that begins no count such as {2,5}");
    }
    int comma = inside.indexOf(',');
    int least = Integer.parseInt(comma < 0 ? inside : inside.substring(0, comma));
    int most =
        comma < 0
            ? least
            : comma == inside.length() - 1 ? -1 : Integer.parseInt(inside.substring(comma + 1));
    if (Math.max(least, most) > MAX_COUNT || (most >= 0 && most < least)) {
      throw bad("has the count {" + inside + "}, which is over " + MAX_COUNT + " or backwards");
    }
    at = close;
    return new Repeat(part, least, most);
  }

  private PatternNode atom() {
    int c = text.codePointAt(at);
    at += Character.charCount(c);
    return switch (c) {
      case '(' -> group();
      case '[' -> set();
      case '.' -> new Chars(new int[] {'\n', '\n', '\r', '\r'}, true);
      case '\\' -> escape();
      case '*', '+', '?', '{' -> throw bad("has nothing before its first quantifier");
      case '^', '$' -> throw bad("has ^ or $ in its middle");
      default -> new Chars(new int[] {c, c}, false);
    };
  }

  private PatternNode group() {
    if (text.startsWith("?:", at)) {
      at += 2;
    } else if (at < end && text.charAt(at) == '?') {
      throw bad("has (?, which is not known but for (?:");
    }
    PatternNode inner = choice();
    if (at >= end || text.charAt(at) != ')') {
      throw bad("has a ( without its )");
    }
    at++;
    return inner;
  }

  private Chars escape() {
    if (at >= end) {
      throw bad("ends in a lone \\");
    }
    char c = text.charAt(at++);
    return switch (c) {
      case 'd' -> chars(DIGIT, false);
      case 'D' -> chars(DIGIT, true);
      case 'w' -> chars(WORD, false);
      case 'W' -> chars(WORD, true);
      case 's' -> chars(SPACE, false);
      case 'S' -> chars(SPACE, true);
      case 't' -> chars("\t\t", false);
      case 'n' -> chars("\n\n", false);
      case 'r' -> chars("\r\r", false);
      default -> {
        if (c > '~' || Character.isLetterOrDigit(c)) {
          throw bad("has \\" + Text.printable(String.valueOf(c), 6) + ", which is not known");
        }
        yield new Chars(new int[] {c, c}, false);
      }
    };
  }

  private static Chars chars(String ranges, boolean negated) {
    return new Chars(ranges.chars().toArray(), negated);
  }

  private Chars set() {
    boolean negated = at < end && text.charAt(at) == '^';
    at += negated ? 1 : 0;
    List<Integer> ranges = new ArrayList<>();
    while (at < end && text.charAt(at) != ']') {
      Chars first = member();
      boolean range = at + 1 < end && text.charAt(at) == '-' && text.charAt(at + 1) != ']';
      if (range) {
        at++;
        Chars last = member();
        if (!single(first) || !single(last) || first.ranges()[0] > last.ranges()[0]) {
          throw bad("has a class with a range that is none");
        }
        ranges.add(first.ranges()[0]);
        ranges.add(last.ranges()[0]);
      } else {
        for (int bound : first.ranges()) {
          ranges.add(bound);
        }
      }
    }
    if (at >= end || ranges.isEmpty()) {
      throw bad("has a class [ that is empty or without its ]");
    }
    at++;
    return new Chars(ranges.stream().mapToInt(Integer::intValue).toArray(), negated);
  }

  private Chars member() {
    int c = text.codePointAt(at);
    at += Character.charCount(c);
    if (c == '[') {
      throw bad("has a [ inside a class; write \\[");
    }
    if (c != '\\') {
      return new Chars(new int[] {c, c}, false);
    }
    Chars chars = escape();
    if (chars.negated()) {
      throw bad("has \\D, \\W or \\S inside a class");
    }
    return chars;
  }

  private static boolean single(Chars chars) {
    return chars.ranges().length == 2 && chars.ranges()[0] == chars.ranges()[1];
  }

  private IllegalArgumentException bad(String why) {
    return new IllegalArgumentException(why);
  }
}
