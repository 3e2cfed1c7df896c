package dev.berth.api;

/** What kind of work a plugin does, by its own word ({@code type} in plugin.yaml). */
public enum PluginType implements WireName {
  EXTENSION("extension"),
  INTEGRATION("integration"),
  AI_MODEL("ai-model"),
  WORKFLOW("workflow");

  private final String wireName;

  PluginType(String wireName) {
    this.wireName = wireName;
  }

  @Override
  public String wireName() {
    return wireName;
  }
}
