package dev.berth.host.lifecycle;

import dev.berth.api.ConfigSchema;
import dev.berth.api.Json;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** JSON that operations write: what the journal is told, settings with some left out. */
final class Intent {
  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private Intent() {}

  static Json of(Map<String, String> members) {
    return Json.of(MAPPER.writeValueAsString(members));
  }

  /** {@code settings} without what {@code schema} doesn't know. */
  static Json known(ConfigSchema schema, Json settings) {
    var tree = (ObjectNode) MAPPER.readTree(settings.toByteArray());
    tree.retain(schema.settings().keySet());
    return Json.of(MAPPER.writeValueAsString(tree));
  }

  static Set<String> secretKeys(ConfigSchema schema) {
    return schema.settings().entrySet().stream()
        .filter(setting -> setting.getValue().secret())
        .map(Map.Entry::getKey)
        .collect(Collectors.toSet());
  }
}
