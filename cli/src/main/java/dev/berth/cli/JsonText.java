package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.api.Text;
import tools.jackson.core.JacksonException;
import tools.jackson.core.util.DefaultIndenter;
import tools.jackson.core.util.DefaultPrettyPrinter;
import tools.jackson.core.util.Separators;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** JSON as the command line reads and prints it: numbers keep every digit, order is kept. */
final class JsonText {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** As most tools indent: two spaces, one element a line, nothing between empty brackets. */
  private static final DefaultPrettyPrinter INDENTED =
      new DefaultPrettyPrinter(
              Separators.createDefaultInstance()
                  .withObjectNameValueSpacing(Separators.Spacing.AFTER)
                  .withObjectEmptySeparator("")
                  .withArrayEmptySeparator(""))
          .withObjectIndenter(new DefaultIndenter("  ", "\n"))
          .withArrayIndenter(new DefaultIndenter("  ", "\n"));

  private JsonText() {}

  /** The value that {@code json} is, from a server. */
  static JsonNode parse(byte[] json) {
    try {
      return MAPPER.readTree(json);
    } catch (JacksonException e) {
      throw ExitCode.FAILED.failure(
          ErrorCode.INVALID_JSON, "The server's answer is not JSON: " + e.getOriginalMessage());
    }
  }

  /** The value that {@code json} is, from a server. */
  static JsonNode parse(String json) {
    return parse(json.getBytes(java.nio.charset.StandardCharsets.UTF_8));
  }

  /** {@code text} as a JSON string. */
  static String quote(String text) {
    return MAPPER.writeValueAsString(text);
  }

  /** {@code value} in JSON, on one line. */
  static String compact(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /** {@code value} in JSON, indented. */
  static String pretty(JsonNode value) {
    return MAPPER.writer().with(INDENTED).writeValueAsString(value);
  }

  /**
   * The same JSON with every character that a terminal could act on as a JSON escape. Outside
   * strings JSON has no such character, so its value stays the same.
   */
  static String escaped(String json) {
    var out = new StringBuilder(json.length());
    json.codePoints()
        .forEach(c -> {
          if (c == '\n' || c == '\r' || c == '\t' || (c >= ' ' && c < 0x7f)) {
            out.appendCodePoint(c);
          } else {
            out.append(Text.printable(Character.toString(c), Integer.MAX_VALUE));
          }
        });
    return out.toString();
  }
}
