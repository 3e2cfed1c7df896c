package dev.berth.cli;

import dev.berth.api.PluginException;
import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
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
      "  berth execute digest @talk.json",
      "",
      "The exit code is 1 when the plugin answers \"success\": false."
    })
final class ExecuteVerb extends PluginVerb {
  @Parameters(
      index = "1..*",
      paramLabel = "CONTEXT",
      description =
          "A JSON object; or @FILE or - to read one; or key=text and key:=json words. Else {}.")
  List<String> words = new ArrayList<>();

  @Option(
      names = "--context",
      paramLabel = "JSON",
      description = "The same in one: a JSON object, @FILE or -.")
  @Nullable String whole;

  ExecuteVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    String object = context();
    Reply reply;
    try (Progress progress = Progress.on(terminal(), json)) {
      reply = plugins.execute(plugin, object, progress);
    } catch (PluginException failure) {
      throw withRemedy(failure, plugin);
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

  /** Where to look for what the plugin's author will want to know. */
  private static PluginException withRemedy(PluginException failure, Ref plugin) {
    String remedy =
        switch (failure.code()) {
          case PLUGIN_ERROR -> "%s `berth errors %s` shows where.";
          case PLUGIN_CRASHED -> "%s `berth logs %s` shows what it said last.";
          default -> "";
        };
    if (remedy.isEmpty() || failure.getMessage().contains("`berth logs")) {
      return failure;
    }
    String message = remedy.formatted(failure.getMessage(), plugin.name());
    return new PluginException(failure.code(), message, failure.details(), failure.getCause());
  }

  private String context() {
    if (whole != null) {
      if (!words.isEmpty()) {
        throw ExitCode.usage("Give the context by --context or by words, not by both.");
      }
      return context(whole);
    }
    if (words.size() == 1) {
      String word = words.getFirst();
      if (word.equals("-") || word.startsWith("@") || word.stripLeading().startsWith("{")) {
        return context(word);
      }
    }
    var object = new Assignments();
    object.putAll(words, _ -> "-");
    return object.json();
  }

  private String context(String given) {
    if (given.equals("-")) {
      return Assignments.object(terminal().readAll(), "Standard input");
    }
    if (given.startsWith("@")) {
      return Assignments.object(
          SettingsOptions.read(Path.of(given.substring(1))), given.substring(1));
    }
    return Assignments.object(given, "The context");
  }
}
