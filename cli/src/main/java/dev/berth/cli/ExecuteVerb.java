package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
    name = "execute",
    description = "Call a plugin and print its result.",
    footer = {
      "",
      "Examples:",
      "  berth execute dice message=2d6",
      "  berth execute dice '{\"message\": \"2d6\", \"user\": \"ada\"}'",
      "  berth execute dice - < context.json",
      "",
      "The exit code is 1 when the plugin answers \"success\": false."
    })
final class ExecuteVerb extends PluginVerb {
  @Parameters(
      index = "1..*",
      paramLabel = "CONTEXT",
      description = "A JSON object; or - to read one; or key=text and key:=json words. Else {}.")
  List<String> context = new ArrayList<>();

  ExecuteVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    String object = context();
    Reply reply;
    try (Progress progress = Progress.on(terminal(), json)) {
      reply = plugins.execute(plugin, object, progress);
    }
    JsonNode answer = reply.json();
    JsonNode result = answer.path("result");
    boolean success = answer.path("success").asBoolean(false);
    if (json) {
      printJson(reply);
    } else {
      terminal().line(result.isString() ? result.asString() : JsonText.pretty(result));
      if (success) {
        terminal().remark("(%s s)".formatted(answer.path("execution_time").asString("?")));
      } else {
        terminal()
            .err()
            .println(
                Terminal.printable("berth: " + plugin.name() + " answered \"success\": false."));
      }
    }
    return success ? ExitCode.OK : ExitCode.FAILED;
  }

  private String context() {
    if (context.isEmpty()) {
      return "{}";
    }
    String first = context.getFirst();
    if (context.size() == 1 && first.equals("-")) {
      return Assignments.object(terminal().readAll(), "Standard input");
    }
    if (context.size() == 1 && first.stripLeading().startsWith("{")) {
      return Assignments.object(first, "The context");
    }
    var object = new Assignments();
    object.putAll(context, _ -> "-");
    return object.json();
  }
}
