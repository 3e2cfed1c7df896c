package dev.berth.api;

import java.util.Locale;

/** Which plugins to list. */
public enum StatusFilter implements WireName {
  ALL,
  ENABLED,
  /** Installed and not running: never enabled yet, or disabled. */
  DISABLED,
  FAILED;

  @Override
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }

  public boolean accepts(PluginState state) {
    return switch (this) {
      case ALL -> true;
      case ENABLED -> state instanceof PluginState.Enabled;
      case DISABLED ->
          state instanceof PluginState.Disabled || state instanceof PluginState.Installed;
      case FAILED -> state instanceof PluginState.Failed;
    };
  }
}
