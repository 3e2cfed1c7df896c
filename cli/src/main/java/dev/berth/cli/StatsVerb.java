package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;

@Command(name = "stats", description = "Show what a plugin uses and how its calls go.")
final class StatsVerb extends PluginVerb {
  StatsVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply = plugins.get(plugin, "/stats");
    if (json) {
      printJson(reply);
    } else {
      Fields.print(terminal(), reply.json());
    }
    return ExitCode.OK;
  }
}
