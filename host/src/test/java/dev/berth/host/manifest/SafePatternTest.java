package dev.berth.host.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafePatternTest {
  @ParameterizedTest
  @CsvSource({
    "a, a, b",
    "^a$, a, aa",
    "[a-z]+(-[a-z]+)*, a-b-c, a-",
    "'[A-Z]{2,3}', ABC, ABCD",
    "'a{2,}', aaaa, a",
    "'a{3}', aaa, aa",
    "'(ab|cd){2}', abcd, ab",
    "https?://.+, https://x, ftp://x",
    "\\d+\\.\\d+, 1.5, 1x5",
    "[^/]+, ab, a/b",
    "[\\w.-]+@[\\w.-]+, a.b@c, a@",
    "a+?b, aab, b",
    "x|y|z, y, xy",
    "(?:a|)b, b, ab2",
    "[]a], ]z, ''",
  })
  void matches_the_whole_text(String pattern, String fits, String doesNot) {
    if (pattern.equals("[]a]")) {
      assertThatThrownBy(() -> SafePattern.parse(pattern)).hasMessageContaining("class [");
      return;
    }
    assertThat(SafePattern.parse(pattern).matches(fits)).isTrue();
    assertThat(SafePattern.parse(pattern).matches(doesNot)).isFalse();
  }

  /** Random patterns and texts, held against the JDK's own matcher. */
  @Test
  void agrees_with_the_jdk() {
    var random = new Random(7);
    for (int i = 0; i < 3000; i++) {
      String pattern = randomPattern(random, 3);
      var safe = SafePattern.parse(pattern);
      var jdk = Pattern.compile(pattern);
      for (int k = 0; k < 5; k++) {
        var text = new StringBuilder();
        for (int n = random.nextInt(6); n > 0; n--) {
          text.append("abc1".charAt(random.nextInt(4)));
        }
        assertThat(safe.matches(text.toString()))
            .as("%s on %s", pattern, text)
            .isEqualTo(jdk.matcher(text).matches());
      }
    }
  }

  private static String randomPattern(Random random, int depth) {
    return switch (depth == 0 ? random.nextInt(4) : random.nextInt(9)) {
      case 0 -> "a";
      case 1 -> "[ab]";
      case 2 -> "[^a]";
      case 3 -> "\\d";
      case 4 -> randomPattern(random, depth - 1) + randomPattern(random, depth - 1);
      case 5 -> "(" + randomPattern(random, depth - 1) + "|" + randomPattern(random, 0) + ")";
      case 6 -> "(" + randomPattern(random, depth - 1) + ")*";
      case 7 -> "(" + randomPattern(random, depth - 1) + ")?";
      default -> "(" + randomPattern(random, depth - 1) + "){1," + (1 + random.nextInt(3)) + "}";
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"(a+)+b", "(a|a)*b", "(a|aa)+b", "(.*)*b", "((a*)*)*b", "a?a?a?a?a?a*b"})
  void no_pattern_is_slow(String pattern) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> assertThat(SafePattern.parse(pattern).matches("a".repeat(100_000))).isFalse());
  }

  @ParameterizedTest
  @CsvSource({
    "'((((){1000}){1000}){1000}){1000}', too large",
    "'(a{1000}){1000}', too large",
    "'a{1001}', over 1000",
    "'a{3,2}', backwards",
    "'a{x}', begins no count",
    "a**, two quantifiers",
    "*a, nothing before",
    "(a, without its )",
    "a), without its (",
    "[a, without its ]",
    "[z-a], range",
    "a\\, lone",
    "(a)\\1, not known",
    "\\bfoo, not known",
    "(?<n>a), not known",
    "a^b, in its middle",
  })
  void says_what_it_does_not_take(String pattern, String why) {
    assertThatThrownBy(() -> SafePattern.parse(pattern))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(why);
  }
}
