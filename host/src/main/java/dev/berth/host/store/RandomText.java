package dev.berth.host.store;

import java.security.SecureRandom;

/** Identifiers nobody can guess. */
final class RandomText {
  // The extended hexadecimal alphabet of RFC 4648, in lower case.
  private static final String ALPHABET = "0123456789abcdefghijklmnopqrstuv";
  private static final SecureRandom RANDOM = new SecureRandom();

  private RandomText() {}

  /** {@code length} characters of 5 random bits each. */
  static String base32(int length) {
    byte[] bytes = bytes(length);
    var text = new StringBuilder(length);
    for (byte b : bytes) {
      text.append(ALPHABET.charAt(b & 31));
    }
    return text.toString();
  }

  static byte[] bytes(int length) {
    byte[] bytes = new byte[length];
    RANDOM.nextBytes(bytes);
    return bytes;
  }
}
