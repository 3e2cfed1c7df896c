package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;

@Command(name = "info", description = "Show all there is to know about a plugin.")
final class InfoVerb extends PluginVerb {
  InfoVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply = plugins.info(plugin);
    if (json) {
      printJson(reply);
    } else {
      Fields.print(terminal(), reply.json());
    }
    return ExitCode.OK;
  }
}
