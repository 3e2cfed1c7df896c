package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

@Command(
    name = "health",
    description = "Ask how a plugin is.",
    footer = {"", "The exit code is 0 when it is healthy and 1 otherwise."})
final class HealthVerb extends PluginVerb {
  HealthVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply = plugins.get(plugin, "/health");
    JsonNode health = reply.json();
    if (json) {
      printJson(reply);
    } else {
      Fields.print(terminal(), health);
    }
    return health.path("status").asString("").equals("healthy") ? ExitCode.OK : ExitCode.FAILED;
  }
}
