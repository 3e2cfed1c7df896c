package dev.berth.host.lifecycle;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ConfigSchema.Setting;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Blots a plugin's secrets out of text that people will read. A secret of fewer than {@value
 * #SHORTEST} characters is let through: it would blot out half of every line, and hides nothing.
 */
record Redactor(List<String> secrets) {
  static final Redactor NONE = new Redactor(List.of());
  static final int SHORTEST = 4;
  private static final String BLOT = "***";
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  Redactor {
    secrets =
        secrets.stream()
            .filter(secret -> secret.length() >= SHORTEST)
            .distinct()
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
  }

  /** Knows the secret ones among {@code settings}, however deep they are. */
  static Redactor of(ConfigSchema schema, Json settings) {
    if (schema.settings().values().stream().noneMatch(Setting::secret)) {
      return NONE;
    }
    var found = new ArrayList<String>();
    JsonNode tree = MAPPER.readTree(settings.toByteArray());
    schema
        .settings()
        .forEach((key, setting) -> {
          JsonNode value = tree.get(key);
          if (setting.secret() && value != null) {
            leaves(value, found);
          }
        });
    return found.isEmpty() ? NONE : new Redactor(found);
  }

  private static void leaves(JsonNode value, List<String> into) {
    if (value.isContainer()) {
      value.forEach(child -> leaves(child, into));
    } else if (value.isString()) {
      into.add(value.stringValue());
      // Who logs a text of several lines logs them one by one.
      value.stringValue().lines().forEach(into::add);
    } else if (value.isNumber()) {
      into.add(value.asString());
    }
  }

  /** Knows the secrets of both. */
  Redactor and(Redactor other) {
    return new Redactor(Stream.concat(secrets.stream(), other.secrets.stream()).toList());
  }

  String redact(String text) {
    String clean = text;
    for (String secret : secrets) {
      clean = clean.replace(secret, BLOT);
    }
    return clean;
  }

  /** The same failure with its texts redacted. */
  PluginException redact(PluginException failure) {
    if (secrets.isEmpty()) {
      return failure;
    }
    var details = new LinkedHashMap<>(failure.details());
    details.replaceAll((_, value) -> value instanceof String text ? redact(text) : value);
    return new PluginException(
        failure.code(), redact(failure.getMessage()), details, failure.getCause());
  }

  /** The longest secret's length in characters; 0 without secrets. */
  int longest() {
    return secrets.isEmpty() ? 0 : secrets.getFirst().length();
  }
}
