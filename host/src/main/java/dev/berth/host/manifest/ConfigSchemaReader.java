package dev.berth.host.manifest;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ConfigSchema.Setting;
import dev.berth.api.ConfigSchema.ValueType;
import dev.berth.api.ErrorCode;
import dev.berth.api.Text;
import dev.berth.host.manifest.YamlNode.Entry;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** Reads {@code config_schema} of plugin.yaml. */
final class ConfigSchemaReader {
  private static final Pattern KEY = Pattern.compile("[A-Za-z_][A-Za-z0-9_.-]{0,63}");
  private static final int MAX_SETTINGS = 100;
  private static final List<String> KEYS =
      List.of(
          "type",
          "required",
          "default",
          "description",
          "secret",
          "enum",
          "minimum",
          "maximum",
          "pattern");

  private final Problems problems;

  ConfigSchemaReader(Problems problems) {
    this.problems = problems;
  }

  ConfigSchema read(Mapping mapping) {
    Map<String, Setting> settings = new LinkedHashMap<>();
    var all = new Fields("", mapping, problems);
    if (mapping.entries().size() > MAX_SETTINGS) {
      problems.add(
          mapping.entries().get(MAX_SETTINGS).key().place(),
          "config_schema: expected at most " + MAX_SETTINGS + " settings");
      return ConfigSchema.EMPTY;
    }
    for (Entry entry : mapping.entries()) {
      String key = entry.key().text();
      String label = "config_schema." + Text.printable(key, 64);
      if (!KEY.matcher(key).matches()) {
        problems.add(
            entry.key().place(),
            label + ": expected a setting of letters, digits, _, . or -, at most 64");
        continue;
      }
      Mapping body = all.mapping(label, entry.value());
      if (body != null) {
        settings.put(key, setting(new Fields(label + ".", body, problems)));
      }
    }
    return new ConfigSchema(settings);
  }

  private Setting setting(Fields fields) {
    fields.allow(KEYS, ErrorCode.MANIFEST_UNKNOWN_FIELD);
    fields.require("type", "type: string");
    Scalar typeName = fields.text("type");
    ValueType type =
        typeName == null ? null : fields.constant("type", typeName, ValueType.class, "type");
    boolean secret = fields.flag("secret");
    boolean required = fields.flag("required");
    String description = fields.prose("description", 500, true);
    Double minimum = bound(fields, "minimum", type);
    Double maximum = bound(fields, "maximum", type);
    YamlNode upper = fields.node("maximum");
    if (minimum != null && maximum != null && minimum > maximum && upper != null) {
      fields.problem(upper, "maximum", "less than minimum");
      maximum = null;
    }
    String pattern = pattern(fields, type);
    if (type == null) {
      return new Setting(
          ValueType.STRING, required, null, description, secret, List.of(), null, null, null);
    }
    var open =
        new Setting(
            type, required, null, description, secret, List.of(), minimum, maximum, pattern);
    List<String> allowed = allowed(fields, open);
    var closed =
        new Setting(type, required, null, description, secret, allowed, minimum, maximum, pattern);
    YamlNode value = fields.node("default");
    String usual = value == null ? null : value(fields, "default", value, closed);
    return new Setting(
        type, required, usual, description, secret, allowed, minimum, maximum, pattern);
  }

  private List<String> allowed(Fields fields, Setting setting) {
    List<String> allowed = new ArrayList<>();
    List<YamlNode> items = fields.list("enum", "values");
    YamlNode at = fields.node("enum");
    if (at != null && at instanceof YamlNode.Sequence && (items.isEmpty() || items.size() > 200)) {
      fields.problem(at, "enum", "expected 1 to 200 values");
      return List.of();
    }
    for (int i = 0; i < items.size(); i++) {
      String value = value(fields, "enum[" + i + "]", items.get(i), setting);
      if (value != null) {
        allowed.add(value);
      }
    }
    return allowed;
  }

  /** {@code value} as JSON text when it fits the setting. */
  private @Nullable String value(Fields fields, String label, YamlNode value, Setting setting) {
    JsonNode json = SettingValues.fromYaml(fields.path(label), value, problems);
    if (json == null) {
      return null;
    }
    String problem = SettingValues.problem(setting, json);
    if (problem != null) {
      String quotes =
          value instanceof Scalar scalar
                  && scalar.plain()
                  && !json.isString()
                  && !json.isNull()
                  && setting.type() == ValueType.STRING
              ? "; put quotes around it"
              : "";
      fields.problem(value, label, problem + quotes);
      return null;
    }
    return SettingValues.MAPPER.writeValueAsString(json);
  }

  private @Nullable Double bound(Fields fields, String key, @Nullable ValueType type) {
    YamlNode value = fields.node(key);
    if (value == null) {
      return null;
    }
    boolean number =
        value instanceof Scalar scalar
            && (scalar.kind() == PlainScalar.INTEGER || scalar.kind() == PlainScalar.NUMBER);
    double bound = number ? Double.parseDouble(((Scalar) value).text()) : Double.NaN;
    if (!Double.isFinite(bound)) {
      fields.problem(value, key, "expected a number, got " + value.describe());
      return null;
    }
    if (type == ValueType.BOOLEAN || type == ValueType.OBJECT) {
      fields.problem(value, key, "goes with numbers, text and lists, not with " + type.wireName());
      return null;
    }
    boolean length = type == ValueType.STRING || type == ValueType.ARRAY;
    if (length && (bound < 0 || bound != Math.rint(bound))) {
      fields.problem(value, key, "is a length here; expected a whole number from 0");
      return null;
    }
    return bound;
  }

  private @Nullable String pattern(Fields fields, @Nullable ValueType type) {
    Scalar scalar = fields.text("pattern");
    if (scalar == null) {
      return null;
    }
    if (type != null && type != ValueType.STRING) {
      fields.problem(scalar, "pattern", "goes with type string, not with " + type.wireName());
      return null;
    }
    try {
      SafePattern.parse(scalar.text());
      return scalar.text();
    } catch (IllegalArgumentException e) {
      fields.problem(
          scalar, "pattern", "\"" + Text.printable(scalar.text(), 80) + "\" " + e.getMessage());
      return null;
    }
  }
}
