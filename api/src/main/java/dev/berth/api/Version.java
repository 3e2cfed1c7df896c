package dev.berth.api;

import java.util.regex.Pattern;

/**
 * A version by Semantic Versioning 2.0.0, at most 64 characters. Two versions that differ only in
 * build metadata are different packages; ordering them is the host's work.
 *
 * @see <a href="https://semver.org/spec/v2.0.0.html">semver.org</a>
 */
public record Version(String text) {
  private static final Pattern FORM =
      Pattern.compile(
          "(0|[1-9]\\d{0,9})\\.(0|[1-9]\\d{0,9})\\.(0|[1-9]\\d{0,9})"
              + "(-(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)(\\.(0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?"
              + "(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?");

  public Version {
    if (!isValid(text)) {
      throw new IllegalArgumentException("not a SemVer 2.0.0 version: " + Text.printable(text, 80));
    }
  }

  /** Whether {@code text} is a version of the accepted form. */
  public static boolean isValid(String text) {
    return text.length() <= 64 && FORM.matcher(text).matches();
  }

  @Override
  public String toString() {
    return text;
  }
}
