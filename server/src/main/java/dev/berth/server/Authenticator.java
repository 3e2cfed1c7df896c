package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import dev.berth.api.TenantId;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.jspecify.annotations.Nullable;

/**
 * Checks API keys. A key that was good is taken as good for a second more without asking again,
 * because asking may block and the threads that answer calls must not. What is remembered is its
 * digest.
 */
final class Authenticator {
  private static final long MEMORY_NANOS = Duration.ofSeconds(1).toNanos();
  private static final int MAX_REMEMBERED = 1024;
  private static final int MAX_SECRET = 512;

  private final boolean required;
  private final ConcurrentHashMap<String, Long> good = new ConcurrentHashMap<>();

  /**
   * @param required whether a request without a key is refused
   */
  Authenticator(boolean required) {
    this.required = required;
  }

  /**
   * The key a request brings.
   *
   * @return null when it brings none and needs none
   * @throws PluginException {@code unauthenticated}
   */
  @Nullable String secretOf(HttpFields headers) {
    String header = headers.get(HttpHeader.AUTHORIZATION);
    if (header == null) {
      if (required) {
        throw refused("This server needs an API key: send 'Authorization: Bearer KEY'.");
      }
      return null;
    }
    if (!header.regionMatches(true, 0, "Bearer ", 0, 7)) {
      throw refused("The Authorization header must be 'Bearer KEY'.");
    }
    String secret = header.substring(7).strip();
    if (secret.isEmpty() || secret.length() > MAX_SECRET) {
      throw refused("The API key is not valid.");
    }
    return secret;
  }

  /** Whether {@code secret} was good a moment ago. Does not block. */
  boolean remembers(String secret) {
    Long until = good.get(Sha256.hex(secret));
    return until != null && System.nanoTime() - until < 0;
  }

  /**
   * Asks whether a key is good. May block.
   *
   * @throws PluginException {@code unauthenticated}, {@code forbidden}
   */
  void verify(String secret, AccessKeys keys) {
    Optional<AccessKeys.Key> key = keys.verify(secret);
    if (key.isEmpty()) {
      throw refused("The API key is not valid, or was revoked. `berth key create` makes one.");
    }
    if (!key.get().tenant().equals(TenantId.DEFAULT)) {
      throw new PluginException(
          ErrorCode.FORBIDDEN, "The API key is for a tenant this server does not serve.");
    }
    if (good.size() >= MAX_REMEMBERED) {
      good.clear();
    }
    good.put(Sha256.hex(secret), System.nanoTime() + MEMORY_NANOS);
  }

  /** Forgets every key, because one was revoked. */
  void forget() {
    good.clear();
  }

  private static PluginException refused(String why) {
    return new PluginException(ErrorCode.UNAUTHENTICATED, why);
  }
}
