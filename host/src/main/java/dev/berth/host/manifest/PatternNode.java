package dev.berth.host.manifest;

import java.util.List;

/** A part of a regular expression, as {@link PatternParser} reads it. */
sealed interface PatternNode {
  /** One character out of some. */
  final class Chars implements PatternNode {
    static final Chars NONE = new Chars(new int[0], false);

    /** First and last code points, in turn. */
    private final int[] ranges;

    private final boolean negated;

    Chars(int[] ranges, boolean negated) {
      this.ranges = ranges;
      this.negated = negated;
    }

    /** Not to be changed. */
    int[] ranges() {
      return ranges;
    }

    boolean negated() {
      return negated;
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

  record Sequence(List<PatternNode> parts) implements PatternNode {}

  record Choice(List<PatternNode> branches) implements PatternNode {}

  /**
   * @param most -1 when there is no bound
   */
  record Repeat(PatternNode part, int least, int most) implements PatternNode {}
}
