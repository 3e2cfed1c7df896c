package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
    name = "update",
    description =
        "Replace a plugin by another version; when that doesn't come up, the old runs on.")
final class UpdateVerb extends PluginVerb {
  @Parameters(
      index = "1",
      paramLabel = "FILE",
      description = "A .tar.gz, .tgz or .zip, a plugin's folder, or a URL the server fetches.")
  String source = "";

  UpdateVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply;
    try (Archive archive = Archive.of(source);
        Progress progress = Progress.on(terminal(), json)) {
      reply = plugins.update(plugin, archive.body(null), progress);
    }
    if (json) {
      printJson(reply);
    } else {
      JsonNode updated = reply.json();
      terminal()
          .line(
              "Updated %s to %s."
                  .formatted(
                      updated.path("name").asString(plugin.name()),
                      updated.path("version").asString("?")));
    }
    return ExitCode.OK;
  }
}
