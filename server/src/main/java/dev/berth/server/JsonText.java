package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.util.RawValue;

/** Reads and writes the JSON that is not passed on unread. */
final class JsonText {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private JsonText() {}

  /** Maps, lists, strings, numbers, booleans, nulls and {@link #raw} values as JSON text. */
  static byte[] write(Object value) {
    return MAPPER.writeValueAsBytes(value);
  }

  static String writeString(Object value) {
    return MAPPER.writeValueAsString(value);
  }

  /** A value that is JSON text already. */
  static RawValue raw(Json json) {
    return new RawValue(json.toString());
  }

  /**
   * The object that {@code json} is, every key of it and of what it holds being there once.
   *
   * @throws PluginException {@code invalid_json}
   */
  static ObjectNode readObject(Json json) {
    JsonNode node;
    try {
      node = MAPPER.readTree(json.toByteArray());
    } catch (JacksonException e) {
      throw new PluginException(
          ErrorCode.INVALID_JSON, "Not valid JSON: " + e.getOriginalMessage() + ".", e);
    }
    if (node instanceof ObjectNode object) {
      return object;
    }
    throw new PluginException(ErrorCode.BAD_REQUEST, "The body must be a JSON object, such as {}.");
  }
}
