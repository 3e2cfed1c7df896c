package dev.berth.cli;

import java.util.Collection;
import java.util.Comparator;

/** Guesses what somebody meant. */
final class Nearest {
  private Nearest() {}

  /** " Did you mean 'dice'?" where one of {@code known} is near to {@code text}, else nothing. */
  static String hint(String text, Collection<String> known) {
    return known.stream()
        .filter(name -> distance(text, name) <= Math.min(2, text.length() - 1))
        .min(Comparator.comparingInt(name -> distance(text, name)))
        .map(name -> " Did you mean '" + name + "'?")
        .orElse("");
  }

  /** How many letters must be added, left out or changed (Levenshtein) to get from one to other. */
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j < row.length; j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j < row.length; j++) {
        int changed = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(changed, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[other.length()];
  }
}
