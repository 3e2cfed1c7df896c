package dev.berth.host.manifest;

import dev.berth.api.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A regular expression that a stranger wrote, matched in time linear in the text: all ways through
 * it are followed at once, none is tried after another, so no pattern and no text make it slow.
 *
 * <p>It knows what Java, Python and JavaScript spell and mean alike: literals, {@code .}, classes,
 * {@code \d \w \s} and their negations (ASCII), groups, {@code |}, {@code * + ?} and {@code {m,n}}.
 * {@code ^} at the beginning and {@code $} at the end are allowed and change nothing, for a text is
 * always matched whole. Look-around, back-references and flags are not known.
 *
 * @see <a href="https://swtch.com/~rsc/regexp/regexp1.html">Thompson's construction</a>
 */
final class SafePattern {
  private static final int MAX_LENGTH = 300;
  private static final int MAX_COUNT = 1000;
  private static final int MAX_STEPS = 5000;

  /** One step of the program: where to go on from it, and for {@link Kind#TAKE} what to take. */
  private record Step(Kind kind, Chars chars, int next, int other) {}

  private enum Kind {
    TAKE,
    SPLIT,
    END
  }

  private sealed interface Node {}

  /** One character out of some. */
  private static final class Chars implements Node {
    static final Chars NONE = new Chars(new int[0], false);

    /** First and last code points, in turn. */
    private final int[] ranges;

    private final boolean negated;

    Chars(int[] ranges, boolean negated) {
      this.ranges = ranges;
      this.negated = negated;
    }

    boolean contains(int c) {
      for (int i = 0; i < ranges.length; i += 2) {
        if (c >= ranges[i] && c <= ranges[i + 1]) {
          return !negated;
        }
      }
      return negated;
    }
  }

  private record Sequence(List<Node> parts) implements Node {}

  private record Choice(List<Node> branches) implements Node {}

  /**
   * @param most -1 when there is no bound
   */
  private record Repeat(Node part, int least, int most) implements Node {}

  private final List<Step> steps = new ArrayList<>();
  private final int start;
  private int work;

  private SafePattern(Node pattern) {
    steps.add(new Step(Kind.END, Chars.NONE, 0, 0));
    start = compile(pattern, 0);
  }

  /**
   * @throws IllegalArgumentException when {@code pattern} is not of the known form or too large;
   *     the message says why
   */
  static SafePattern parse(String pattern) {
    if (pattern.length() > MAX_LENGTH) {
      throw new IllegalArgumentException("longer than " + MAX_LENGTH + " characters");
    }
    return new SafePattern(new Parser(pattern).pattern());
  }

  /** Whether the whole of {@code text} matches. */
  boolean matches(String text) {
    int[] now = new int[steps.size()];
    int[] next = new int[steps.size()];
    int[] seen = new int[steps.size()];
    int[] open = new int[2 * steps.size() + 2];
    Arrays.fill(seen, -1);
    int count = follow(start, now, 0, seen, 0, open);
    int at = 0;
    for (int i = 0; i < text.length() && count > 0; ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      at++;
      int reached = 0;
      for (int k = 0; k < count; k++) {
        Step step = steps.get(now[k]);
        if (step.kind == Kind.TAKE && step.chars.contains(c)) {
          reached = follow(step.next, next, reached, seen, at, open);
        }
      }
      int[] swap = now;
      now = next;
      next = swap;
      count = reached;
    }
    for (int k = 0; k < count; k++) {
      if (steps.get(now[k]).kind == Kind.END) {
        return true;
      }
    }
    return false;
  }

  /** Adds every step that can be reached from {@code from} without taking a character. */
  private int follow(int from, int[] list, int count, int[] seen, int mark, int[] open) {
    int top = 0;
    int added = count;
    open[top++] = from;
    while (top > 0) {
      int step = open[--top];
      if (seen[step] == mark) {
        continue;
      }
      seen[step] = mark;
      if (steps.get(step).kind == Kind.SPLIT) {
        open[top++] = steps.get(step).other;
        open[top++] = steps.get(step).next;
      } else {
        list[added++] = step;
      }
    }
    return added;
  }

  /** Compiles {@code node} so that it goes on at {@code next}; gives its first step. */
  private int compile(Node node, int next) {
    // Counts work, not steps: a repeated group may be empty and add none.
    if (++work > MAX_STEPS) {
      throw new IllegalArgumentException("too large once its {m,n} are written out");
    }
    return switch (node) {
      case Chars chars -> add(new Step(Kind.TAKE, chars, next, next));
      case Sequence sequence -> {
        int first = next;
        for (Node part : sequence.parts.reversed()) {
          first = compile(part, first);
        }
        yield first;
      }
      case Choice choice -> {
        int first = compile(choice.branches.getLast(), next);
        for (int i = choice.branches.size() - 2; i >= 0; i--) {
          first = split(compile(choice.branches.get(i), next), first);
        }
        yield first;
      }
      case Repeat repeat -> {
        int first = next;
        if (repeat.most < 0) {
          int loop = split(next, next);
          int body = compile(repeat.part, loop);
          steps.set(loop, new Step(Kind.SPLIT, Chars.NONE, body, next));
          first = loop;
        } else {
          for (int i = repeat.least; i < repeat.most; i++) {
            first = split(compile(repeat.part, first), next);
          }
        }
        for (int i = 0; i < repeat.least; i++) {
          first = compile(repeat.part, first);
        }
        yield first;
      }
    };
  }

  private int split(int next, int other) {
    return add(new Step(Kind.SPLIT, Chars.NONE, next, other));
  }

  private int add(Step step) {
    steps.add(step);
    return steps.size() - 1;
  }

  private static final class Parser {
    private static final String DIGIT = "09";
    private static final String WORD = "09AZ__az";
    private static final String SPACE = "\t\r  ";

    private final String text;
    private final int end;
    private int at;

    Parser(String text) {
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

    Node pattern() {
      Node node = choice();
      if (at < end) {
        throw bad("has a ) without its (");
      }
      return node;
    }

    private Node choice() {
      List<Node> branches = new ArrayList<>();
      branches.add(sequence());
      while (at < end && text.charAt(at) == '|') {
        at++;
        branches.add(sequence());
      }
      return branches.size() == 1 ? branches.getFirst() : new Choice(branches);
    }

    private Node sequence() {
      List<Node> parts = new ArrayList<>();
      while (at < end && text.charAt(at) != '|' && text.charAt(at) != ')') {
        parts.add(repeat(atom()));
      }
      return new Sequence(parts);
    }

    private Node repeat(Node part) {
      if (at == end) {
        return part;
      }
      Node repeated;
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

    private Node counted(Node part) {
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

    private Node atom() {
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

    private Node group() {
      if (text.startsWith("?:", at)) {
        at += 2;
      } else if (at < end && text.charAt(at) == '?') {
        throw bad("has (?, which is not known but for (?:");
      }
      Node inner = choice();
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
          if (!single(first) || !single(last) || first.ranges[0] > last.ranges[0]) {
            throw bad("has a class with a range that is none");
          }
          ranges.add(first.ranges[0]);
          ranges.add(last.ranges[0]);
        } else {
          for (int bound : first.ranges) {
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
      if (chars.negated) {
        throw bad("has \\D, \\W or \\S inside a class");
      }
      return chars;
    }

    private static boolean single(Chars chars) {
      return chars.ranges.length == 2 && chars.ranges[0] == chars.ranges[1];
    }

    private IllegalArgumentException bad(String why) {
      return new IllegalArgumentException(why);
    }
  }
}
