package dev.berth.host.manifest;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ConfigSchema.Setting;
import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * What holds for a plugin's settings. Each {@link Json} here is an object keyed by setting. Lowest
 * to highest: the schema's defaults, config.yaml, the operator's overrides.
 */
public final class SettingsRules {
  /** All of a plugin's settings travel to it in one message. */
  private static final int MAX_BYTES = 256 << 10;

  private SettingsRules() {}

  /**
   * The settings in force, in the schema's order. What the schema doesn't have, left from an older
   * version of the plugin perhaps, is left out; values are not checked.
   */
  public static Json effective(ConfigSchema schema, Json packageDefaults, Json overrides) {
    if (schema.settings().isEmpty()) {
      return Json.of("{}");
    }
    ObjectNode lower = object(packageDefaults);
    ObjectNode upper = object(overrides);
    ObjectNode values = SettingValues.MAPPER.createObjectNode();
    schema
        .settings()
        .forEach((key, setting) -> {
          JsonNode value = upper.get(key);
          if (isAbsent(value)) {
            value = lower.get(key);
          }
          String usual = setting.defaultValue();
          if (isAbsent(value) && usual != null) {
            value = SettingValues.parse(usual);
          }
          if (value != null && !value.isNull()) {
            values.set(key, value);
          }
        });
    return SettingValues.toJson(values);
  }

  /**
   * Checks what an operator wants to set. A null, which removes, fits every setting.
   *
   * @throws PluginException {@code config_invalid}, listing every setting that is unknown or has a
   *     value that doesn't fit; {@code details().get("problems")} is a list of maps with {@code
   *     setting} and {@code message}. A secret's value is never in it
   */
  public static void check(ConfigSchema schema, Json overrides) {
    ObjectNode values = object(overrides);
    if (overrides.length() > MAX_BYTES) {
      throw new PluginException(
          ErrorCode.CONFIG_INVALID, "The settings are larger than 256 KiB; make them smaller.");
    }
    List<String> lines = new ArrayList<>();
    List<Map<String, String>> details = new ArrayList<>();
    values.forEachEntry((key, value) -> {
      String problem = problem(schema, key, value);
      if (problem != null) {
        String shown = Text.printable(key, 64);
        lines.add(shown + ": " + problem);
        details.add(Map.of("setting", shown, "message", problem));
      }
    });
    if (!lines.isEmpty()) {
      throw new PluginException(
          ErrorCode.CONFIG_INVALID,
          (lines.size() == 1 ? "A setting is wrong:\n" : lines.size() + " settings are wrong:\n")
              + String.join("\n", lines),
          Map.of("problems", details),
          null);
    }
  }

  /** What is wrong with setting {@code key} to {@code value}; null when nothing is. */
  static @Nullable String problem(ConfigSchema schema, String key, JsonNode value) {
    Setting setting = schema.settings().get(key);
    if (setting == null) {
      String hint = Spelling.hint(key, schema.settings().keySet());
      return "unknown setting"
          + (!hint.isEmpty()
              ? hint
              : schema.settings().isEmpty()
                  ? "; the plugin has none"
                  : "; the settings are " + String.join(", ", schema.settings().keySet()));
    }
    return value.isNull() ? null : SettingValues.problem(setting, value);
  }

  /**
   * Checks that every required setting has a value.
   *
   * @param plugin what to call it in the remedy: its id or name
   * @throws PluginException {@code config_missing}, naming them; {@code details().get("settings")}
   *     is the list of their keys
   */
  public static void checkComplete(String plugin, ConfigSchema schema, Json effective) {
    if (schema.settings().values().stream().noneMatch(Setting::required)) {
      return;
    }
    ObjectNode values = object(effective);
    List<String> missing = new ArrayList<>();
    var lines = new StringBuilder();
    var remedy = new StringBuilder();
    schema
        .settings()
        .forEach((key, setting) -> {
          if (setting.required() && isAbsent(values.get(key))) {
            missing.add(key);
            lines.append('\n').append(key);
            if (!setting.description().isEmpty()) {
              lines.append(": ").append(Text.printable(setting.description(), 200));
            }
            remedy.append(' ').append(key).append("=VALUE");
          }
        });
    if (!missing.isEmpty()) {
      throw new PluginException(
          ErrorCode.CONFIG_MISSING,
          "Plugin "
              + plugin
              + " needs settings that have no value:"
              + lines
              + "\nSet them with: berth config "
              + plugin
              + remedy,
          Map.of("settings", missing),
          null);
    }
  }

  /**
   * {@code values} with every secret that is set replaced by {@code {"secret": true, "set": true}}.
   * What the schema doesn't have is left out, for it may have been a secret before.
   */
  public static Json redact(ConfigSchema schema, Json values) {
    ObjectNode shown = SettingValues.MAPPER.createObjectNode();
    object(values)
        .forEachEntry((key, value) -> {
          Setting setting = schema.settings().get(key);
          if (setting == null || value.isNull()) {
            return;
          }
          if (setting.secret()) {
            shown.putObject(key).put("secret", true).put("set", true);
          } else {
            shown.set(key, value);
          }
        });
    return SettingValues.toJson(shown);
  }

  /**
   * {@code overrides} with the members of {@code changes} put in their place; a null removes.
   *
   * @throws PluginException {@code config_invalid} when {@code changes} is not a JSON object
   */
  public static Json merge(Json overrides, Json changes) {
    ObjectNode merged = object(overrides);
    object(changes)
        .forEachEntry((key, value) -> {
          if (value.isNull()) {
            merged.remove(key);
          } else {
            merged.set(key, value);
          }
        });
    return SettingValues.toJson(merged);
  }

  private static boolean isAbsent(@Nullable JsonNode value) {
    return value == null || value.isNull();
  }

  private static ObjectNode object(Json json) {
    try {
      if (SettingValues.parse(json.toString()) instanceof ObjectNode object) {
        return object;
      }
      throw new PluginException(
          ErrorCode.CONFIG_INVALID,
          "Settings are a JSON object such as {\"key\": \"value\"}, not "
              + Text.printable(json.toString(), 40)
              + ".");
    } catch (JacksonException e) {
      throw new PluginException(
          ErrorCode.CONFIG_INVALID,
          "The settings can't be read: " + Text.printable(e.getOriginalMessage(), 200) + ".");
    }
  }
}
