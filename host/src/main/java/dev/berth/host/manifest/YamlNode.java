package dev.berth.host.manifest;

import java.util.List;

/** A YAML document as it is written: nothing resolved, nothing constructed. */
sealed interface YamlNode {
  Place place();

  /**
   * @param text its value, escapes resolved
   * @param plain written without quotes, so that its looks decide what it is
   */
  record Scalar(Place place, String text, boolean plain) implements YamlNode {
    PlainScalar kind() {
      return plain ? PlainScalar.of(text) : PlainScalar.TEXT;
    }
  }

  record Sequence(Place place, List<YamlNode> items) implements YamlNode {}

  /**
   * @param entries in the file's order, no key twice
   */
  record Mapping(Place place, List<Entry> entries) implements YamlNode {}

  /** A key and its value. */
  record Entry(Scalar key, YamlNode value) {}

  /** What it is, for a message. */
  default String describe() {
    return switch (this) {
      case Sequence _ -> "a list";
      case Mapping _ -> "a mapping";
      case Scalar scalar -> scalar.kind().describe(scalar.text());
    };
  }
}
