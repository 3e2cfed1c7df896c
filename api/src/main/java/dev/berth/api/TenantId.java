package dev.berth.api;

import java.util.regex.Pattern;

/** Names a tenant: 1 to 63 lower-case letters, digits or hyphens, a letter first. */
public record TenantId(String value) {
  // Before DEFAULT, whose constructor needs it.
  private static final Pattern FORM = Pattern.compile("[a-z][a-z0-9-]{0,62}");

  /** The tenant of a host that has only one. */
  public static final TenantId DEFAULT = new TenantId("default");

  public TenantId {
    if (!FORM.matcher(value).matches()) {
      throw new IllegalArgumentException("not a tenant id: " + Text.printable(value, 80));
    }
  }

  @Override
  public String toString() {
    return value;
  }
}
