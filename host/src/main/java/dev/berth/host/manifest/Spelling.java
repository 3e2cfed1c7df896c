package dev.berth.host.manifest;

import java.util.Collection;
import java.util.Locale;
import java.util.Optional;

/** Finds the word that somebody most likely meant. */
final class Spelling {
  private Spelling() {}

  /** {@code "; did you mean \"x\"?"}, or nothing when no candidate is near. */
  static String hint(String word, Collection<String> candidates) {
    return nearest(word, candidates).map(near -> "; did you mean \"" + near + "\"?").orElse("");
  }

  static Optional<String> nearest(String word, Collection<String> candidates) {
    if (word.length() > 80) {
      return Optional.empty();
    }
    String plain = plain(word);
    String best = null;
    int least = Integer.MAX_VALUE;
    for (String candidate : candidates) {
      String other = plain(candidate);
      // One edit in three letters, or the beginning of a longer word: min for minimum.
      boolean begins = plain.length() >= 3 && other.startsWith(plain);
      int distance = begins ? 1 : distance(plain, other);
      int length = Math.max(plain.length(), other.length());
      int allowed = length < 3 ? 0 : length / 3;
      if (distance <= allowed && distance < least) {
        least = distance;
        best = candidate;
      }
    }
    return Optional.ofNullable(best);
  }

  private static String plain(String word) {
    return word.strip().toLowerCase(Locale.ROOT).replace('-', '_').replace(' ', '_');
  }

  /** Damerau-Levenshtein distance, in its restricted form (optimal string alignment). */
  private static int distance(String a, String b) {
    int[][] d = new int[a.length() + 1][b.length() + 1];
    for (int i = 0; i <= a.length(); i++) {
      for (int j = 0; j <= b.length(); j++) {
        if (i == 0 || j == 0) {
          d[i][j] = i + j;
          continue;
        }
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        d[i][j] = Math.min(Math.min(d[i - 1][j] + 1, d[i][j - 1] + 1), d[i - 1][j - 1] + change);
        if (i > 1
            && j > 1
            && a.charAt(i - 1) == b.charAt(j - 2)
            && a.charAt(i - 2) == b.charAt(j - 1)) {
          d[i][j] = Math.min(d[i][j], d[i - 2][j - 2] + 1);
        }
      }
    }
    return d[a.length()][b.length()];
  }
}
