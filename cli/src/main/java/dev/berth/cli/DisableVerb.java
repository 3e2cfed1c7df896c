package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;

@Command(name = "disable", description = "Stop a plugin; it finishes the calls it has.")
final class DisableVerb extends PluginVerb {
  DisableVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply = plugins.disable(plugin);
    if (json) {
      printJson(reply);
    } else {
      terminal().line("Disabled " + plugin.name() + ".");
    }
    return ExitCode.OK;
  }
}
