package dev.berth.cli;

import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "list", description = "List the plugins.")
final class ListVerb extends RestVerb {
  /** What {@code --status} takes, as the server spells it. */
  enum Status {
    all,
    enabled,
    disabled,
    failed
  }

  @Option(
      names = "--status",
      paramLabel = "STATUS",
      description = "Only those that are ${COMPLETION-CANDIDATES}.")
  Status status = Status.all;

  ListVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    Reply reply;
    try (Plugins plugins = plugins()) {
      reply = plugins.list(status.name());
    }
    if (json) {
      printJson(reply);
      return ExitCode.OK;
    }
    JsonNode plugins = reply.json().path("plugins");
    if (plugins.isEmpty()) {
      terminal()
          .line(
              status == Status.all
                  ? "No plugin is installed. Install one with: berth install FILE"
                  : "No plugin is " + status + ".");
      return ExitCode.OK;
    }
    var table = new Table("NAME", "VERSION", "STATUS", "ID", "DESCRIPTION");
    for (JsonNode plugin : plugins) {
      table.row(
          plugin.path("name").asString(""),
          plugin.path("version").asString(""),
          plugin.path("status").asString(""),
          plugin.path("id").asString(""),
          plugin.path("description").asString(""));
    }
    table.print(terminal());
    return ExitCode.OK;
  }
}
