package dev.berth.server;

import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** Names requests, so that an answer and a line of the log can be put together. */
final class RequestIds {
  private static final int MAX = 64;

  private final String prefix =
      HexFormat.of().toHexDigits(new SecureRandom().nextInt()).toLowerCase(java.util.Locale.ROOT)
          + "-";
  private final AtomicLong next = new AtomicLong();

  /** The client's own name for its request when that is harmless, else a new one. */
  String nameFor(@Nullable String offered) {
    if (offered != null && isHarmless(offered)) {
      return offered;
    }
    return prefix + Long.toString(next.incrementAndGet(), 36);
  }

  private static boolean isHarmless(String id) {
    if (id.isEmpty() || id.length() > MAX) {
      return false;
    }
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      boolean fits =
          (c >= 'a' && c <= 'z')
              || (c >= 'A' && c <= 'Z')
              || (c >= '0' && c <= '9')
              || c == '.'
              || c == '_'
              || c == '-';
      if (!fits) {
        return false;
      }
    }
    return true;
  }
}
