package dev.berth.host.manifest;

import dev.berth.host.manifest.PatternNode.Chars;
import dev.berth.host.manifest.PatternNode.Choice;
import dev.berth.host.manifest.PatternNode.Repeat;
import dev.berth.host.manifest.PatternNode.Sequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A regular expression that a stranger wrote, matched in time linear in the text: all ways through
 * it are followed at once, none is tried after another, so no pattern and no text make it slow.
 *
 * <p>What it understands is said at {@link PatternParser}.
 *
 * @see <a href="https://swtch.com/~rsc/regexp/regexp1.html">Thompson's construction</a>
 */
final class SafePattern {
  private static final int MAX_LENGTH = 300;
  private static final int MAX_STEPS = 5000;

  /** One step of the program: where to go on from it, and for {@link Kind#TAKE} what to take. */
  private record Step(Kind kind, Chars chars, int next, int other) {}

  private enum Kind {
    TAKE,
    SPLIT,
    END
  }

  private final List<Step> steps = new ArrayList<>();
  private final int start;
  private int work;

  private SafePattern(PatternNode pattern) {
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
    return new SafePattern(new PatternParser(pattern).pattern());
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
  private int compile(PatternNode node, int next) {
    // Counts work, not steps: a repeated group may be empty and add none.
    if (++work > MAX_STEPS) {
      throw new IllegalArgumentException("too large once its {m,n} are written out");
    }
    return switch (node) {
      case Chars chars -> add(new Step(Kind.TAKE, chars, next, next));
      case Sequence sequence -> {
        int first = next;
        for (PatternNode part : sequence.parts().reversed()) {
          first = compile(part, first);
        }
        yield first;
      }
      case Choice choice -> {
        int first = compile(choice.branches().getLast(), next);
        for (int i = choice.branches().size() - 2; i >= 0; i--) {
          first = split(compile(choice.branches().get(i), next), first);
        }
        yield first;
      }
      case Repeat repeat -> {
        int first = next;
        if (repeat.most() < 0) {
          int loop = split(next, next);
          int body = compile(repeat.part(), loop);
          steps.set(loop, new Step(Kind.SPLIT, Chars.NONE, body, next));
          first = loop;
        } else {
          for (int i = repeat.least(); i < repeat.most(); i++) {
            first = split(compile(repeat.part(), first), next);
          }
        }
        for (int i = 0; i < repeat.least(); i++) {
          first = compile(repeat.part(), first);
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
}
