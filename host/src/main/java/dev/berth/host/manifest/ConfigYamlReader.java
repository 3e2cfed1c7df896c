package dev.berth.host.manifest;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import dev.berth.host.manifest.YamlNode.Entry;
import dev.berth.host.manifest.YamlNode.Mapping;
import dev.berth.host.manifest.YamlNode.Scalar;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** Reads config.yaml, a package's default settings, as strictly as plugin.yaml. */
public final class ConfigYamlReader {
  /** What the file is called inside a package and in messages. */
  public static final String FILE_NAME = "config.yaml";

  private ConfigYamlReader() {}

  /**
   * @return a JSON object, its values checked against {@code schema}; {@code {}} when the file says
   *     nothing. A key without a value is as good as left out
   * @throws PluginException {@code config_invalid}, with all problems as {@link ManifestReader}
   *     gives them
   */
  public static Json read(byte[] yaml, ConfigSchema schema) {
    var problems = new Problems(FILE_NAME, ErrorCode.CONFIG_INVALID);
    ObjectNode values = SettingValues.MAPPER.createObjectNode();
    switch (StrictYaml.read(yaml, problems)) {
      case Mapping mapping -> {
        for (Entry entry : mapping.entries()) {
          read(entry, schema, values, problems);
        }
      }
      case null -> {}
      case Scalar scalar when scalar.kind() == PlainScalar.NULL -> {}
      case YamlNode other ->
          problems.add(
              other.place(), "expected settings such as `key: value`, got " + other.describe());
    }
    problems.throwIfAny();
    return SettingValues.toJson(values);
  }

  private static void read(Entry entry, ConfigSchema schema, ObjectNode values, Problems problems) {
    String key = entry.key().text();
    String label = Text.printable(key, 64);
    if (!schema.settings().containsKey(key)) {
      // Its value doesn't matter: it has no setting to fit.
      String hint = Spelling.hint(key, schema.settings().keySet());
      problems.add(
          entry.key().place(),
          "unknown setting \""
              + label
              + "\""
              + (hint.isEmpty() ? "; it is not in config_schema of plugin.yaml" : hint));
      return;
    }
    JsonNode value = SettingValues.fromYaml(label, entry.value(), problems);
    if (value == null || value.isNull()) {
      return;
    }
    String problem = SettingsRules.problem(schema, key, value);
    if (problem != null) {
      problems.add(entry.value().place(), label + ": " + problem);
    } else {
      values.set(key, value);
    }
  }
}
