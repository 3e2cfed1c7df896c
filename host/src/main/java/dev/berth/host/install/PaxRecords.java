package dev.berth.host.install;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The records of a pax extended header: {@code LENGTH KEY=VALUE\n}, LENGTH counting all of it.
 *
 * @see <a href="https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html">POSIX pax,
 *     extended header</a>
 */
final class PaxRecords {
  private final Map<String, byte[]> values = new LinkedHashMap<>();

  /**
   * @return null when the records are not of that form, or one that matters is given twice
   */
  static @Nullable PaxRecords parse(byte[] data) {
    var records = new PaxRecords();
    int at = 0;
    while (at < data.length) {
      int length = 0;
      int digits = at;
      while (digits < data.length && data[digits] >= '0' && data[digits] <= '9' && length < 1e7) {
        length = length * 10 + (data[digits++] - '0');
      }
      int end = at + length;
      int equals = digits + 1;
      while (equals < Math.min(end, data.length) && data[equals] != '=') {
        equals++;
      }
      boolean sound =
          digits > at
              && end <= data.length
              && equals < end
              && data[digits] == ' '
              && data[end - 1] == '\n';
      if (!sound) {
        return null;
      }
      String key = new String(data, digits + 1, equals - digits - 1, StandardCharsets.UTF_8);
      if (records.values.put(key, Arrays.copyOfRange(data, equals + 1, end - 1)) != null) {
        return null;
      }
      at = end;
    }
    return records;
  }

  byte @Nullable [] path() {
    return values.get("path");
  }

  /** Whether it says a size other than {@code size}: two readers would then see two archives. */
  boolean contradicts(long size) {
    byte[] value = values.get("size");
    return value != null
        && !new String(value, StandardCharsets.US_ASCII).equals(Long.toString(size));
  }

  boolean namesEntries() {
    return values.containsKey("path")
        || values.containsKey("size")
        || values.containsKey("linkpath");
  }

  boolean isSparse() {
    return values.keySet().stream()
        .anyMatch(key -> key.startsWith("GNU.sparse.") || key.equals("SCHILY.realsize"));
  }
}
