package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;

@Command(
    name = "enable",
    description = "Start a plugin and keep it running; returns when it answers.")
final class EnableVerb extends PluginVerb {
  EnableVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply = plugins.enable(plugin);
    if (json) {
      printJson(reply);
    } else {
      terminal().line("Enabled " + plugin.name() + ".");
    }
    return ExitCode.OK;
  }
}
