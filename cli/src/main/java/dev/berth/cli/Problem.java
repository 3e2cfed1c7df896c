package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/**
 * An error as a server words it (RFC 9457), with Berth's {@code code}.
 *
 * @param code one of {@link ErrorCode}'s, or one of a newer server; empty when there is none
 * @param json the whole of it
 */
record Problem(int status, String code, String detail, String json) {
  /** Where {@link PluginException#details} keeps the server's own words. */
  static final String DETAIL = "problem";

  /**
   * Reads one.
   *
   * @param status the status, where the problem doesn't say
   */
  static Problem parse(String json, int status) {
    JsonNode node = JsonText.parse(json);
    int said = node.path("status").asInt(status);
    String detail = node.path("detail").asString("");
    return new Problem(
        said >= 400 && said < 600 ? said : status,
        node.path("code").asString(""),
        detail.isEmpty() ? node.path("title").asString("The server gave no reason.") : detail,
        json);
  }

  /** The failure that ends a command with it. */
  PluginException failure() {
    return ExitCode.ofStatus(status).failure(errorCode(), detail, Map.of(DETAIL, this));
  }

  private ErrorCode errorCode() {
    try {
      return ErrorCode.valueOf(code.toUpperCase(Locale.ROOT));
    } catch (IllegalArgumentException _) {
      return ErrorCode.INTERNAL;
    }
  }
}
