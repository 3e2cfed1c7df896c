package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
    name = "config",
    description = "Show a plugin's settings, or change some; it restarts with them.",
    footer = {
      "",
      "Examples:",
      "  berth config weather",
      "  berth config weather units=metric days:=3 --unset endpoint",
      "  berth config weather api_key=-"
    })
final class ConfigVerb extends PluginVerb {
  @Parameters(
      index = "1..*",
      paramLabel = "KEY=VALUE",
      description =
          "key=text, key:=json, or key=- to be asked for it (a secret; without a terminal, a line of standard input).")
  List<String> assignments = new ArrayList<>();

  @Option(names = "--unset", paramLabel = "KEY", description = "Go back to this setting's default.")
  List<String> unset = new ArrayList<>();

  ConfigVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    var changes = new Assignments();
    changes.putAll(assignments, key -> SettingsOptions.secret(terminal(), key));
    unset.forEach(key -> changes.put(key, "null"));
    Reply reply =
        changes.isEmpty()
            ? plugins.get(plugin, "/config")
            : plugins.configure(plugin, changes.json());
    if (json) {
      printJson(reply);
    } else {
      print(reply.json());
    }
    return ExitCode.OK;
  }

  private void print(JsonNode config) {
    JsonNode schema = config.path("schema");
    if (schema.isEmpty()) {
      terminal().line("This plugin takes no settings.");
      return;
    }
    var table = new Table("KEY", "VALUE", "FROM", "TYPE", "DESCRIPTION");
    schema
        .propertyStream()
        .forEach(entry -> {
          String key = entry.getKey();
          JsonNode setting = entry.getValue();
          JsonNode value = config.path("values").path(key);
          boolean own = config.path("overridden").has(key);
          table.row(
              key,
              value(setting, value),
              own ? "you" : value.isMissingNode() ? "-" : "default",
              setting.path("type").asString("")
                  + (setting.path("required").asBoolean(false) ? ", required" : ""),
              setting.path("description").asString(""));
        });
    table.print(terminal());
  }

  private static String value(JsonNode setting, JsonNode value) {
    if (value.isMissingNode()) {
      return setting.path("required").asBoolean(false) ? "(missing)" : "-";
    }
    if (setting.path("secret").asBoolean(false)) {
      return value.path("set").asBoolean(false) ? "(secret, set)" : "(secret, not set)";
    }
    return value.isString() ? value.asString() : value.toString();
  }
}
