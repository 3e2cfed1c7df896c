package dev.berth.api;

/** What the operator wants of a plugin; stored. What its worker does is a {@link WorkerState}. */
public sealed interface PluginState {
  /** Installed and never enabled yet. */
  record Installed() implements PluginState {}

  /** To be kept running. */
  record Enabled() implements PluginState {}

  /** Stopped by the operator. */
  record Disabled() implements PluginState {}

  /** Given up on after repeated failures; enabling tries again. */
  record Failed(String reason) implements PluginState {}

  /** {@code installed}, {@code enabled}, {@code disabled} or {@code failed}. */
  default String status() {
    return switch (this) {
      case Installed _ -> "installed";
      case Enabled _ -> "enabled";
      case Disabled _ -> "disabled";
      case Failed _ -> "failed";
    };
  }
}
