package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

@Command(
    name = "errors",
    description = "Show what went wrong in a plugin, the same things counted together.")
final class ErrorsVerb extends PluginVerb {
  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "FINGERPRINT",
      description = "Only this one, whole, with its traceback; its first letters do.")
  String fingerprint = "";

  @Option(names = "--traceback", description = "Show each whole, with its traceback.")
  boolean traceback;

  @Option(names = "--clear", description = "Forget them all.")
  boolean clear;

  ErrorsVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    if (clear) {
      return clear(plugins, plugin);
    }
    Reply reply = plugins.get(plugin, "/errors");
    List<JsonNode> all = reply.json().path("errors").valueStream().toList();
    if (!fingerprint.isEmpty()) {
      JsonNode one = one(all, plugin);
      if (json) {
        terminal().out().println(JsonText.escaped(JsonText.compact(one)));
      } else {
        show(one);
      }
    } else if (json) {
      printJson(reply);
    } else if (all.isEmpty()) {
      terminal().line("Nothing went wrong in " + plugin + ".");
    } else if (traceback) {
      String between = "";
      for (JsonNode one : all) {
        terminal().out().print(between);
        show(one);
        between = "\n";
      }
    } else {
      table(all);
      terminal()
          .remark(
              "`berth errors %s FINGERPRINT` shows one whole, with its traceback."
                  .formatted(plugin.name()));
    }
    return ExitCode.OK;
  }

  private ExitCode clear(Plugins plugins, Ref plugin) {
    if (!fingerprint.isEmpty() || traceback) {
      throw ExitCode.usage("--clear forgets all errors; it goes with nothing else.");
    }
    Reply reply = plugins.clearErrors(plugin);
    if (json) {
      printJson(reply);
    } else {
      terminal().line("Forgot the errors of " + plugin + ".");
    }
    return ExitCode.OK;
  }

  private JsonNode one(List<JsonNode> all, Ref plugin) {
    List<JsonNode> fitting =
        all.stream().filter(error -> text(error, "fingerprint").startsWith(fingerprint)).toList();
    if (fitting.isEmpty()) {
      throw ExitCode.NOT_FOUND.failure(
          ErrorCode.NOT_FOUND,
          "%s has no error '%s'. `berth errors %s` shows them."
              .formatted(plugin, fingerprint, plugin.name()));
    }
    if (fitting.size() > 1) {
      throw ExitCode.usage(
          "'%s' is the beginning of several: %s."
              .formatted(
                  fingerprint,
                  String.join(
                      ", ", fitting.stream().map(error -> text(error, "fingerprint")).toList())));
    }
    return fitting.getFirst();
  }

  private void table(List<JsonNode> errors) {
    var table = new Table("FINGERPRINT", "COUNT", "LAST SEEN", "WHERE", "ERROR");
    for (JsonNode error : errors) {
      String where = text(error, "where");
      table.row(
          text(error, "fingerprint"),
          error.path("count").asString(""),
          time(text(error, "last_at")),
          where.isEmpty() ? "-" : where,
          title(error));
    }
    table.print(terminal());
  }

  /** {@code ValueError: no dice}, or what happened where nothing was raised. */
  private static String title(JsonNode error) {
    String type = text(error, "type");
    String message = text(error, "message");
    String name = type.isEmpty() ? text(error, "kind") : type;
    return message.isEmpty() ? name : name + ": " + message;
  }

  /** All there is to one; its traceback last. */
  private void show(JsonNode error) {
    if (error instanceof ObjectNode object) {
      Fields.print(terminal(), object.deepCopy().without("traceback"));
    }
    String trace = text(error, "traceback");
    if (!trace.isEmpty()) {
      terminal().line("\n" + trace);
    }
  }

  private static String text(JsonNode error, String member) {
    return error.path(member).asString("");
  }

  /** To the second. */
  private static String time(String given) {
    try {
      return Instant.parse(given).truncatedTo(ChronoUnit.SECONDS).toString();
    } catch (DateTimeException _) {
      return given;
    }
  }
}
