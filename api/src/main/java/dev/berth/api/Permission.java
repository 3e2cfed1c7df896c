package dev.berth.api;

import java.util.Locale;

/** What a plugin may ask for ({@code permissions} in plugin.yaml). */
public enum Permission implements WireName {
  FILESYSTEM_READ,
  FILESYSTEM_WRITE,
  NETWORK_ACCESS,
  DATABASE_READ,
  DATABASE_WRITE,
  API_ACCESS,
  CHAT_ACCESS,
  ADMIN_ACCESS;

  @Override
  public String wireName() {
    return name().toLowerCase(Locale.ROOT);
  }
}
