package dev.berth.host.manifest;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;

/**
 * What holds for a plugin's settings. Each {@link Json} here is an object keyed by setting. Lowest
 * to highest: the schema's defaults, config.yaml, the operator's overrides.
 */
@SuppressWarnings("DoNotCallSuggester")
public final class SettingsRules {
  private SettingsRules() {}

  /** The settings in force, in the schema's order. Nothing is checked. */
  public static Json effective(ConfigSchema schema, Json packageDefaults, Json overrides) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Settings can't be read yet.");
  }

  /**
   * Checks what an operator wants to set.
   *
   * @throws PluginException {@code config_invalid}, listing every setting that is unknown or has a
   *     value that doesn't fit; {@code details().get("problems")} is a list of maps with {@code
   *     setting} and {@code message}. A secret's value is never in it
   */
  public static void check(ConfigSchema schema, Json overrides) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Settings can't be checked yet.");
  }

  /**
   * Checks that every required setting has a value.
   *
   * @param plugin what to call it in the remedy: its id or name
   * @throws PluginException {@code config_missing}, naming them; {@code details().get("settings")}
   *     is the list of their keys
   */
  public static void checkComplete(String plugin, ConfigSchema schema, Json effective) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Settings can't be checked yet.");
  }

  /**
   * {@code values} with every secret that is set replaced by {@code {"secret": true, "set": true}}.
   */
  public static Json redact(ConfigSchema schema, Json values) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Settings can't be read yet.");
  }

  /**
   * {@code overrides} with the members of {@code changes} put in their place; a null removes.
   *
   * @throws PluginException {@code config_invalid} when {@code changes} is not a JSON object
   */
  public static Json merge(Json overrides, Json changes) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "Settings can't be changed yet.");
  }
}
