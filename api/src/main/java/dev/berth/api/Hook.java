package dev.berth.api;

import java.util.Locale;

/** A chat event a plugin wants to be called for ({@code hooks} in plugin.yaml). */
public enum Hook implements WireName {
  ON_MESSAGE,
  ON_FILE_UPLOAD,
  ON_COMMAND;

  @Override
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
