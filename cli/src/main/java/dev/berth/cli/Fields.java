package dev.berth.cli;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** Prints a JSON object as lines of a name and a value, members of members below, indented. */
final class Fields {
  private Fields() {}

  static void print(Terminal terminal, JsonNode object) {
    List<String> lines = new ArrayList<>();
    object(lines, object, "");
    lines.forEach(terminal::line);
  }

  private static void object(List<String> lines, JsonNode object, String indent) {
    int width =
        object
            .propertyStream()
            .filter(member -> isShort(member.getValue()))
            .mapToInt(member -> member.getKey().length())
            .max()
            .orElse(0);
    object
        .propertyStream()
        .forEach(member -> {
          String name = Terminal.oneLine(member.getKey());
          JsonNode value = member.getValue();
          if (isShort(value)) {
            String text = text(value).replace("\n", "\n" + indent + " ".repeat(width + 2));
            String padding = " ".repeat(Math.max(0, width - name.length()) + 2);
            lines.add((indent + name + padding + text).stripTrailing());
          } else if (value.isObject()) {
            lines.add(indent + name);
            object(lines, value, indent + "  ");
          } else {
            lines.add(indent + name);
            for (JsonNode element : value) {
              element(lines, element, indent + "  ");
            }
          }
        });
  }

  private static void element(List<String> lines, JsonNode element, String indent) {
    if (isShort(element)) {
      lines.add(indent + "- " + text(element).replace("\n", "\n" + indent + "  "));
      return;
    }
    List<String> below = new ArrayList<>();
    if (element.isObject()) {
      object(below, element, indent + "  ");
    } else {
      element.forEach(inner -> element(below, inner, indent + "  "));
    }
    if (!below.isEmpty()) {
      // The dash stands in the first line's indentation.
      lines.add(indent + "- " + below.getFirst().substring(indent.length() + 2));
      lines.addAll(below.subList(1, below.size()));
    }
  }

  /** Whether it fits behind its name: a value without parts, or a list of such. */
  private static boolean isShort(JsonNode value) {
    if (value.isArray()) {
      for (JsonNode element : value) {
        if (element.isContainer() || element.asString("").length() > 40) {
          return false;
        }
      }
      return true;
    }
    return !value.isObject() || value.isEmpty();
  }

  /** A value on its line; a string without its quotes. */
  static String text(JsonNode value) {
    if (value.isArray()) {
      return value.isEmpty()
          ? "none"
          : String.join(", ", value.valueStream().map(Fields::text).toList());
    }
    return switch (value.getNodeType()) {
      case STRING -> value.asString().isEmpty() ? "-" : value.asString();
      case NUMBER -> number(value);
      case NULL, MISSING -> "-";
      case OBJECT -> value.isEmpty() ? "none" : value.toString();
      default -> value.toString();
    };
  }

  /** People need no more than three decimals. */
  private static String number(JsonNode value) {
    BigDecimal number = value.decimalValue();
    return number.scale() > 3
        ? number.setScale(3, RoundingMode.HALF_UP).toPlainString()
        : value.toString();
  }
}
