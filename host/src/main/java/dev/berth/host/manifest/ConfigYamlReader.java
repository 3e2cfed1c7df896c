package dev.berth.host.manifest;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;

/** Reads config.yaml, a package's default settings, as strictly as plugin.yaml. */
@SuppressWarnings("DoNotCallSuggester")
public final class ConfigYamlReader {
  /** What the file is called inside a package and in messages. */
  public static final String FILE_NAME = "config.yaml";

  private ConfigYamlReader() {}

  /**
   * @return a JSON object, its values checked against {@code schema}; {@code {}} when the file says
   *     nothing
   * @throws PluginException {@code config_invalid}, with all problems as {@link ManifestReader}
   *     gives them
   */
  public static Json read(byte[] yaml, ConfigSchema schema) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, FILE_NAME + " can't be read yet.");
  }
}
