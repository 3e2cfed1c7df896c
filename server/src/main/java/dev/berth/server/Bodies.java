package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import io.javalin.http.Context;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Bodies of requests that are read on a thread of their own, and what can be wrong with any. */
final class Bodies {
  private static final int PIECE = 8 << 10;

  private Bodies() {}

  /**
   * The JSON value a body is.
   *
   * @throws PluginException {@code body_too_large}, {@code body_incomplete}, {@code
   *     request_timeout}, {@code invalid_json}
   */
  static Json json(Context context, ServerSettings settings) {
    int limit = settings.maxBodyBytes();
    var pace = new BodyPace(settings);
    var bytes = new ByteArrayOutputStream();
    byte[] piece = new byte[PIECE];
    try (InputStream in = context.bodyInputStream()) {
      for (int count = in.read(piece); count >= 0; count = in.read(piece)) {
        bytes.write(piece, 0, count);
        if (bytes.size() > limit) {
          throw tooLarge(-1, limit);
        }
        pace.check(bytes.size());
      }
    } catch (IOException e) {
      throw failure(e);
    }
    return Json.of(bytes.toByteArray(), 0, bytes.size());
  }

  /** Why a body could not be read. */
  static PluginException failure(Throwable cause) {
    for (Throwable t = cause; t != null; t = t.getCause()) {
      if (t instanceof PluginException known) {
        return known;
      }
      if (t instanceof TimeoutException) {
        return new PluginException(
            ErrorCode.REQUEST_TIMEOUT, "The body came too slowly; send it in one go.", cause);
      }
    }
    return BodyReader.incomplete(cause);
  }

  /**
   * @param length as declared; negative when it was not
   */
  static PluginException tooLarge(long length, long limit) {
    Map<String, Object> details = new LinkedHashMap<>();
    details.put("limit_bytes", limit);
    if (length >= 0) {
      details.put("length_bytes", length);
    }
    return new PluginException(
        ErrorCode.BODY_TOO_LARGE,
        "The body is larger than the " + limit + " bytes taken here.",
        details,
        null);
  }

  /** A whole number from the query. */
  static long number(
      @Nullable String text, String name, long whenAbsent, long minimum, long maximum) {
    if (text == null) {
      return whenAbsent;
    }
    long value;
    try {
      value = Long.parseLong(text);
    } catch (NumberFormatException _) {
      value = minimum - 1;
    }
    if (value < minimum || value > maximum) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "'" + name + "' must be a whole number from " + minimum + " to " + maximum + ".",
          Map.of("field", name),
          null);
    }
    return value;
  }
}
