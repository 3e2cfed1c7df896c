package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.Text;
import dev.berth.api.WireName;
import dev.berth.host.manifest.YamlNode.Entry;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import dev.berth.host.manifest.YamlNode.Sequence;
import java.math.BigInteger;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The keys of one mapping, read by the type they should have. What is wrong becomes a problem and
 * reads as absent, so that reading goes on and finds the rest.
 */
final class Fields {
  private final String path;
  private final Problems problems;
  private final Place place;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /**
   * @param path what messages put before a key, e.g. {@code commands[0].}; empty at the top
   */
  Fields(String path, Mapping mapping, Problems problems) {
    this.path = path;
    this.problems = problems;
    this.place = mapping.place();
    for (Entry entry : mapping.entries()) {
      entries.put(entry.key().text(), entry);
    }
  }

  /** What messages call {@code key}. */
  String path(String key) {
    return path + key;
  }

  boolean has(String key) {
    return entries.containsKey(key);
  }

  @Nullable YamlNode node(String key) {
    Entry entry = entries.get(key);
    return entry == null ? null : entry.value();
  }

  void problem(YamlNode at, String key, String message) {
    problems.add(at.place(), path + key + ": " + message);
  }

  /** Every key that is not in {@code known} is a problem. */
  void allow(List<String> known, ErrorCode code) {
    for (Entry entry : entries.values()) {
      String key = entry.key().text();
      if (!known.contains(key)) {
        String inside = path.isEmpty() ? "" : " in " + path.substring(0, path.length() - 1);
        String hint = Spelling.hint(key, known);
        problems.add(
            code,
            entry.key().place(),
            "unknown key \""
                + Text.printable(key, 60)
                + "\""
                + inside
                + (hint.isEmpty() ? "; the keys are " + String.join(", ", known) : hint));
      }
    }
  }

  /** A key that must be there is a problem when it isn't. */
  void require(String key, String example) {
    if (!has(key)) {
      problems.add(place, path + key + " is missing; add a line such as `" + example + "`");
    }
  }

  /** Text, as it stands, or null. */
  @Nullable Scalar text(String key) {
    YamlNode value = node(key);
    return value == null ? null : text(key, value);
  }

  /** {@code value} when it is text, else null and a problem. */
  @Nullable Scalar text(String label, YamlNode value) {
    if (value instanceof Scalar scalar) {
      if (scalar.kind() == PlainScalar.TEXT) {
        return scalar;
      }
      String remedy =
          scalar.text().isEmpty()
              ? "; write a value or leave the line out"
              : "; put quotes around it: \"" + Text.printable(scalar.text(), 60) + "\"";
      problem(value, label, "expected text, got " + value.describe() + remedy);
    } else {
      problem(value, label, "expected text, got " + value.describe());
    }
    return null;
  }

  /**
   * Text for people to read: without control characters or marks that turn the direction of
   * writing, so that it can't disguise itself.
   *
   * @param lines whether it may have several lines
   */
  String prose(String key, int limit, boolean lines) {
    Scalar scalar = text(key);
    if (scalar == null) {
      return "";
    }
    // A block scalar (| or >) ends with a line feed that nobody means.
    String value = scalar.text().strip();
    if (value.codePointCount(0, value.length()) > limit) {
      problem(scalar, key, String.format(Locale.ROOT, "expected at most %,d characters", limit));
      return "";
    }
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      boolean control = Character.isISOControl(c) && !(lines && (c == '\n' || c == '\t'));
      boolean turns = (c >= '\u202a' && c <= '\u202e') || (c >= '\u2066' && c <= '\u2069');
      if (control || turns || (Character.isSurrogate(c) && !paired(value, i))) {
        problem(
            scalar,
            key,
            c == '\n'
                ? "expected one line"
                : String.format(Locale.ROOT, "the character U+%04X may not be in it", (int) c));
        return "";
      }
    }
    return value;
  }

  private static boolean paired(String text, int i) {
    return Character.isHighSurrogate(text.charAt(i))
        ? i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))
        : i > 0 && Character.isHighSurrogate(text.charAt(i - 1));
  }

  /** A whole number in {@code [least, most]}, or {@code otherwise}. */
  int wholeNumber(String key, int least, int most, int otherwise, String limitedBy) {
    YamlNode value = node(key);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof Scalar scalar) || scalar.kind() != PlainScalar.INTEGER) {
      String quoted =
          value instanceof Scalar scalar
                  && !scalar.plain()
                  && PlainScalar.of(scalar.text()) == PlainScalar.INTEGER
              ? "; leave the quotes out"
              : "";
      problem(value, key, "expected a whole number, got " + value.describe() + quoted);
      return otherwise;
    }
    BigInteger number = new BigInteger(scalar.text());
    if (number.compareTo(BigInteger.valueOf(least)) < 0
        || number.compareTo(BigInteger.valueOf(most)) > 0) {
      problem(
          value,
          key,
          String.format(
              Locale.ROOT,
              "expected %d to %d%s, got %s",
              least,
              most,
              limitedBy,
              Text.printable(scalar.text(), 40)));
      return otherwise;
    }
    return number.intValue();
  }

  boolean flag(String key) {
    YamlNode value = node(key);
    if (value == null) {
      return false;
    }
    if (value instanceof Scalar scalar && scalar.kind() == PlainScalar.BOOLEAN) {
      return scalar.text().toLowerCase(Locale.ROOT).equals("true");
    }
    problem(value, key, "expected true or false, got " + value.describe());
    return false;
  }

  /** The items of a list; none when it is absent. */
  List<YamlNode> list(String key, String of) {
    YamlNode value = node(key);
    if (value == null) {
      return List.of();
    }
    if (value instanceof Sequence sequence) {
      return sequence.items();
    }
    problem(value, key, "expected a list of " + of + ", got " + value.describe());
    return List.of();
  }

  @Nullable Mapping mapping(String key) {
    YamlNode value = node(key);
    return value == null ? null : mapping(key, value);
  }

  @Nullable Mapping mapping(String label, YamlNode value) {
    if (value instanceof Mapping mapping) {
      return mapping;
    }
    problem(value, label, "expected keys and values, got " + value.describe());
    return null;
  }

  /** A list of constants, none twice. */
  <E extends Enum<E> & WireName> Set<E> constants(String key, Class<E> type, String word) {
    Set<E> found = EnumSet.noneOf(type);
    Set<String> seen = new HashSet<>();
    List<YamlNode> items = list(key, word + "s");
    for (int i = 0; i < items.size(); i++) {
      String label = key + "[" + i + "]";
      Scalar scalar = text(label, items.get(i));
      E constant = scalar == null ? null : constant(label, scalar, type, word);
      if (scalar != null && constant != null && !seen.add(scalar.text())) {
        problem(scalar, label, constant.wireName() + " is listed twice");
      } else if (constant != null) {
        found.add(constant);
      }
    }
    return found;
  }

  /** The constant that {@code scalar} spells, or null and a problem. */
  <E extends Enum<E> & WireName> @Nullable E constant(
      String label, Scalar scalar, Class<E> type, String word) {
    E found = WireName.find(type, scalar.text()).orElse(null);
    if (found == null) {
      List<String> all = Arrays.stream(type.getEnumConstants()).map(WireName::wireName).toList();
      String hint = Spelling.hint(scalar.text(), all);
      problem(
          scalar,
          label,
          "unknown "
              + word
              + " \""
              + Text.printable(scalar.text(), 60)
              + "\""
              + (hint.isEmpty() ? "; expected one of " + String.join(", ", all) : hint));
    }
    return found;
  }
}
