package dev.berth.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Reads server-sent events (the event stream format of the HTML standard, 9.2.6) as they come.
 * {@code retry} fields and comments are skipped.
 */
final class ServerEvents implements AutoCloseable {
  private final BufferedReader reader;

  ServerEvents(InputStream stream) {
    this.reader = new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8));
  }

  /**
   * One event.
   *
   * @param name {@code message} when the server gave none
   * @param id empty when the server gave none
   */
  record Event(String name, String data, String id) {}

  /** Waits for the next event; null when the stream has ended. One cut off half-way is dropped. */
  @Nullable Event next() throws IOException {
    String name = "";
    String id = "";
    StringBuilder data = null;
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      if (line.isEmpty()) {
        if (data != null) {
          return new Event(name.isEmpty() ? "message" : name, data.toString(), id);
        }
        name = "";
        continue;
      }
      int colon = line.indexOf(':');
      String field = colon < 0 ? line : line.substring(0, colon);
      String value = colon < 0 ? "" : line.substring(colon + 1);
      if (value.startsWith(" ")) {
        value = value.substring(1);
      }
      switch (field) {
        case "event" -> name = value;
        case "id" -> id = value;
        case "data" ->
            data = data == null ? new StringBuilder(value) : data.append('\n').append(value);
        default -> {}
      }
    }
    return null;
  }

  @Override
  public void close() throws IOException {
    reader.close();
  }
}
