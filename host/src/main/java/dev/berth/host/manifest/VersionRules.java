package dev.berth.host.manifest;

import dev.berth.api.Text;
import dev.berth.api.Version;
import dev.berth.host.manifest.YamlNode.Scalar;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code version}: SemVer 2.0.0, and what people write instead of it. */
final class VersionRules {
  private VersionRules() {}

  /** What is wrong with {@code text}; null when nothing is. */
  static @Nullable String problem(String text) {
    if (Version.isValid(text)) {
      return null;
    }
    String near = near(text);
    return "expected a version by SemVer 2.0.0 such as 1.4.0 or 2.0.0-rc.1, got \""
        + Text.printable(text, 60)
        + "\""
        + (near.isEmpty() ? "" : "; did you mean \"" + near + "\"?");
  }

  /** What to say of 1.10 without quotes, which YAML takes for a number. */
  static String numberProblem(Scalar number) {
    String near = near(number.text());
    return "expected text, got "
        + number.describe()
        + (near.isEmpty()
            ? "; put quotes around it"
            : "; put quotes around it and give all three parts: \"" + near + "\"");
  }

  /** The version that {@code text} nearly is: 1.10.0 for 1.10, 1.0.0 for v1.0.0; else empty. */
  private static String near(String text) {
    String near = text.startsWith("v") ? text.substring(1) : text;
    for (String rest : List.of("", ".0", ".0.0")) {
      if (Version.isValid(near + rest)) {
        return near + rest;
      }
    }
    return "";
  }
}
