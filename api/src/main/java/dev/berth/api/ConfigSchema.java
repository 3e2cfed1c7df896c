package dev.berth.api;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The settings a plugin takes ({@code config_schema} in plugin.yaml), in the order it gives them.
 *
 * @param settings by key
 */
public record ConfigSchema(Map<String, Setting> settings) {
  public static final ConfigSchema EMPTY = new ConfigSchema(Map.of());

  public ConfigSchema {
    settings = java.util.Collections.unmodifiableMap(new LinkedHashMap<>(settings));
  }

  /** What a value may be. */
  public enum ValueType implements WireName {
    STRING("string"),
    INTEGER("integer"),
    NUMBER("number"),
    BOOLEAN("boolean"),
    ARRAY("array"),
    OBJECT("object");

    private final String wireName;

    ValueType(String wireName) {
      this.wireName = wireName;
    }

    @Override
    public String wireName() {
      return wireName;
    }
  }

  /**
   * One setting.
   *
   * @param type what its value may be
   * @param required whether the plugin can't be enabled without it
   * @param defaultValue the schema's own default as JSON text; absent when there is none
   * @param description one line for people
   * @param secret written, never read back; encrypted at rest
   * @param allowed the only values it may have, as JSON texts; empty when any
   * @param minimum for numbers their least value, for strings and arrays their least length
   * @param maximum likewise the greatest
   * @param pattern a regular expression a string must match whole
   */
  public record Setting(
      ValueType type,
      boolean required,
      @Nullable String defaultValue,
      String description,
      boolean secret,
      List<String> allowed,
      @Nullable Double minimum,
      @Nullable Double maximum,
      @Nullable String pattern) {
    public Setting {
      Objects.requireNonNull(type);
      allowed = List.copyOf(allowed);
    }
  }
}
