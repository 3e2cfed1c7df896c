package dev.berth.api;

/**
 * A plugin's settings as an operator may see them.
 *
 * @param schema what may be set
 * @param values the settings in force, a JSON object; a secret that is set stands as {@code
 *     {"secret": true, "set": true}}, never as its value
 * @param overridden the operator's own settings among them, likewise
 */
public record PluginConfig(ConfigSchema schema, Json values, Json overridden) {}
