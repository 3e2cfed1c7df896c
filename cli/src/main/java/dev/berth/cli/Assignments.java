package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Function;

/**
 * JSON objects as people type them: {@code key=text} for a string, {@code key:=json} for anything
 * else. JSON that was typed is passed on as it is, so no digit of a number is lost.
 */
final class Assignments {
  private final Map<String, String> members = new LinkedHashMap<>();

  /** Adds one member whose value is JSON. */
  void put(String key, String json) {
    if (members.putIfAbsent(key, json) != null) {
      throw ExitCode.usage("'" + key + "' is given twice.");
    }
  }

  /**
   * Adds {@code words}.
   *
   * @param secret what stands for the value of {@code key=-}
   */
  void putAll(List<String> words, Function<String, String> secret) {
    for (String word : words) {
      int equals = word.indexOf('=');
      if (equals < 1 || word.startsWith(":=")) {
        throw ExitCode.usage(
            "'" + word + "' is not key=text or key:=json. An example: user=ada count:=3");
      }
      if (word.charAt(equals - 1) == ':') {
        String key = word.substring(0, equals - 1);
        put(key, json(key, word.substring(equals + 1)));
      } else {
        String key = word.substring(0, equals);
        String value = word.substring(equals + 1);
        put(key, JsonText.quote(value.equals("-") ? secret.apply(key) : value));
      }
    }
  }

  boolean isEmpty() {
    return members.isEmpty();
  }

  /** The object. */
  String json() {
    var object = new StringJoiner(",", "{", "}");
    members.forEach((key, json) -> object.add(JsonText.quote(key) + ":" + json));
    return object.toString();
  }

  private static String json(String key, String json) {
    try {
      return Json.of(json).toString();
    } catch (PluginException e) {
      throw ExitCode.USAGE.failure(
          ErrorCode.INVALID_JSON,
          key + ":= wants JSON. For a string write " + key + "=" + json + ". " + e.getMessage());
    }
  }

  /**
   * The object that {@code json} is.
   *
   * @param where where it came from, for the message
   */
  static String object(String json, String where) {
    Json value;
    try {
      value = Json.of(json);
    } catch (PluginException e) {
      throw ExitCode.USAGE.failure(ErrorCode.INVALID_JSON, where + ": " + e.getMessage());
    }
    if (!value.isObject()) {
      throw ExitCode.USAGE.failure(
          ErrorCode.INVALID_JSON, where + " must be a JSON object, such as {\"message\": \"hi\"}.");
    }
    return value.toString();
  }
}
