package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(name = "logs", description = "Show a plugin's log.")
final class LogsVerb extends PluginVerb {
  private static final int MAX_COUNT = 10_000;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("uuuu-MM-dd'T'HH:mm:ss.SSS'Z'").withZone(ZoneOffset.UTC);

  @Option(
      names = {"-f", "--follow"},
      description = "Go on with each new record until Ctrl-C. With --json, a line each.")
  boolean follow;

  @Option(
      names = {"-n", "--lines"},
      paramLabel = "N",
      description = "The newest N records; ${DEFAULT-VALUE} unless told.")
  int count = 100;

  LogsVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    if (count < 1 || count > MAX_COUNT) {
      throw ExitCode.usage("-n wants a number from 1 to " + MAX_COUNT + ".");
    }
    if (follow) {
      plugins.followLogs(
          plugin,
          count,
          event -> {
            if (json) {
              terminal().out().println(JsonText.escaped(event.data()));
            } else {
              print(JsonText.parse(event.data()));
            }
          });
      terminal().remark("The log ended: the server stopped, or the plugin was uninstalled.");
      return ExitCode.OK;
    }
    Reply reply = plugins.get(plugin, "/logs?limit=" + count);
    if (json) {
      printJson(reply);
    } else {
      reply.json().path("records").forEach(this::print);
    }
    return ExitCode.OK;
  }

  private void print(JsonNode entry) {
    String logger = entry.path("logger").asString("");
    String from = logger.isEmpty() ? entry.path("source").asString("") : logger;
    String message = entry.path("message").asString("");
    terminal()
        .line(
            "%s %-8s %s: %s"
                .formatted(
                    time(entry.path("time").asString("")),
                    entry.path("level").asString(""),
                    from,
                    message.stripTrailing().replace("\n", "\n    ")));
  }

  /** To the millisecond. */
  private static String time(String given) {
    try {
      return TIME.format(Instant.parse(given));
    } catch (DateTimeException _) {
      return given;
    }
  }
}
