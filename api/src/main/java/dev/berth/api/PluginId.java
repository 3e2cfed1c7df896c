package dev.berth.api;

import java.util.regex.Pattern;

/**
 * Names one tenant's installation of a plugin: {@code plugin_} and 1 to 32 lower-case letters or
 * digits. The host makes it; nothing of the plugin's own choosing is in it, so it is safe in paths,
 * container names and control group names.
 */
public record PluginId(String value) {
  private static final Pattern FORM = Pattern.compile("plugin_[0-9a-z]{1,32}");

  public PluginId {
    if (!FORM.matcher(value).matches()) {
      throw new PluginException(
          ErrorCode.PLUGIN_NOT_FOUND,
          "There is no plugin '" + Text.printable(value, 80) + "'. `berth list` shows the ids.");
    }
  }

  @Override
  public String toString() {
    return value;
  }
}
