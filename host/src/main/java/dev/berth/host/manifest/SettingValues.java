package dev.berth.host.manifest;

import dev.berth.api.ConfigSchema.Setting;
import dev.berth.api.ConfigSchema.ValueType;
import dev.berth.api.Json;
import dev.berth.api.Text;
import dev.berth.host.manifest.YamlNode.Entry;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import dev.berth.host.manifest.YamlNode.Sequence;
import java.math.BigInteger;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** The values of settings: from YAML to JSON, and whether one fits its setting. */
final class SettingValues {
  static final JsonMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final BigInteger LEAST = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MOST = BigInteger.valueOf(Long.MAX_VALUE);

  private SettingValues() {}

  static JsonNode parse(String json) {
    return MAPPER.readTree(json);
  }

  static Json toJson(JsonNode node) {
    return Json.of(MAPPER.writeValueAsString(node));
  }

  /** {@code value} as JSON; null, and problems, when YAML readers disagree about what it is. */
  static @Nullable JsonNode fromYaml(String label, YamlNode value, Problems problems) {
    return switch (value) {
      case Scalar scalar -> {
        JsonNode node = fromScalar(scalar);
        if (node == null) {
          problems.add(
              scalar.place(),
              label
                  + ": got "
                  + scalar.describe()
                  + (scalar.kind() == PlainScalar.AMBIGUOUS
                      ? "; put quotes around text, write numbers as in JSON and booleans as true"
                          + " or false"
                      : ", which is too large"));
        }
        yield node;
      }
      case Sequence sequence -> {
        ArrayNode array = NODES.arrayNode();
        for (int i = 0; i < sequence.items().size(); i++) {
          JsonNode item = fromYaml(label + "[" + i + "]", sequence.items().get(i), problems);
          array.add(item == null ? NODES.nullNode() : item);
        }
        yield array;
      }
      case Mapping mapping -> {
        ObjectNode object = NODES.objectNode();
        for (Entry entry : mapping.entries()) {
          String key = entry.key().text();
          String inner = label + "." + Text.printable(key, 40);
          JsonNode member = fromYaml(inner, entry.value(), problems);
          object.set(key, member == null ? NODES.nullNode() : member);
        }
        yield object;
      }
    };
  }

  private static @Nullable JsonNode fromScalar(Scalar scalar) {
    return switch (scalar.kind()) {
      case TEXT -> NODES.stringNode(scalar.text());
      case NULL -> NODES.nullNode();
      case BOOLEAN -> NODES.booleanNode(scalar.text().toLowerCase(Locale.ROOT).equals("true"));
      case INTEGER -> {
        var number = new BigInteger(scalar.text());
        boolean fits = number.compareTo(LEAST) >= 0 && number.compareTo(MOST) <= 0;
        yield fits ? NODES.numberNode(number.longValue()) : null;
      }
      case NUMBER -> {
        double number = Double.parseDouble(scalar.text());
        yield Double.isFinite(number) ? NODES.numberNode(number) : null;
      }
      case AMBIGUOUS -> null;
    };
  }

  /** What is wrong with {@code value} for {@code setting}; null when nothing is. */
  static @Nullable String problem(Setting setting, JsonNode value) {
    if (!hasType(setting.type(), value)) {
      String placeholder =
          setting.secret() && value.isObject()
              ? "; a secret that is set is shown as an object in its place: leave it out to keep it"
              : "";
      return "expected " + name(setting.type()) + ", got " + describe(setting, value) + placeholder;
    }
    if (!setting.allowed().isEmpty()
        && setting.allowed().stream().noneMatch(one -> same(parse(one), value))) {
      String one = String.join(", ", setting.allowed());
      String hint =
          value.isString() && !setting.secret()
              ? Spelling.hint(
                  value.stringValue(),
                  setting.allowed().stream().map(allowed -> parse(allowed).asString()).toList())
              : "";
      return "expected one of "
          + Text.printable(one, 300)
          + ", got "
          + describe(setting, value)
          + hint;
    }
    String bounds = boundsProblem(setting, value);
    if (bounds != null) {
      return bounds;
    }
    String pattern = setting.pattern();
    if (pattern != null && !SafePattern.parse(pattern).matches(value.stringValue())) {
      return "expected text that matches "
          + Text.printable(pattern, 300)
          + ", got "
          + describe(setting, value);
    }
    return null;
  }

  private static boolean hasType(ValueType type, JsonNode value) {
    return switch (type) {
      case STRING -> value.isString();
      case INTEGER -> value.isIntegralNumber() && value.canConvertToLong();
      case NUMBER -> value.isNumber() && Double.isFinite(value.doubleValue());
      case BOOLEAN -> value.isBoolean();
      case ARRAY -> value.isArray();
      case OBJECT -> value.isObject();
    };
  }

  private static @Nullable String boundsProblem(Setting setting, JsonNode value) {
    Double minimum = setting.minimum();
    Double maximum = setting.maximum();
    if (minimum == null && maximum == null) {
      return null;
    }
    double size =
        switch (setting.type()) {
          case STRING -> value.stringValue().codePointCount(0, value.stringValue().length());
          case ARRAY -> value.size();
          case INTEGER, NUMBER, BOOLEAN, OBJECT -> value.doubleValue();
        };
    String unit =
        switch (setting.type()) {
          case STRING -> " characters";
          case ARRAY -> " items";
          case INTEGER, NUMBER, BOOLEAN, OBJECT -> "";
        };
    boolean enough = minimum == null || size >= minimum;
    boolean tooMuch = maximum != null && size > maximum;
    if (enough && !tooMuch) {
      return null;
    }
    String range =
        minimum == null
            ? "at most " + plain(maximum)
            : maximum == null
                ? "at least " + plain(minimum)
                : plain(minimum) + " to " + plain(maximum);
    String got = unit.isEmpty() ? describe(setting, value) : plain(size);
    return "expected " + range + unit + ", got " + got;
  }

  /** 3 for 3.0, 0.5 for 0.5. */
  static String plain(@Nullable Double number) {
    if (number == null) {
      return "";
    }
    return number == Math.rint(number) && Math.abs(number) < 1e15
        ? String.valueOf(number.longValue())
        : String.valueOf(number);
  }

  /** Whether two JSON values are the same, 1 and 1.0 being one number. */
  static boolean same(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      boolean whole = a.isIntegralNumber() && b.isIntegralNumber();
      return whole
          ? a.bigIntegerValue().equals(b.bigIntegerValue())
          : a.doubleValue() == b.doubleValue();
    }
    return a.equals(b);
  }

  private static String name(ValueType type) {
    return switch (type) {
      case STRING -> "text";
      case INTEGER -> "a whole number";
      case NUMBER -> "a number";
      case BOOLEAN -> "true or false";
      case ARRAY -> "a list";
      case OBJECT -> "an object";
    };
  }

  /** What {@code value} is; of a secret nothing but its kind. */
  private static String describe(Setting setting, JsonNode value) {
    String kind =
        switch (value.getNodeType()) {
          case STRING -> "text";
          case NUMBER -> "a number";
          case BOOLEAN -> "a boolean";
          case ARRAY -> "a list";
          case OBJECT -> "an object";
          case NULL -> "null";
          case BINARY, MISSING, POJO -> "something else";
        };
    boolean shown =
        !setting.secret() && (value.isString() || value.isNumber() || value.isBoolean());
    return shown ? Text.printable(value.toString(), 80) : kind;
  }
}
