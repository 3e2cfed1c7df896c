package dev.berth.cli;

import dev.berth.api.ErrorCode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * Shows what Berth does by doing it: each command is printed as somebody would type it, then run.
 *
 * <p>An example's folder may hold {@code demo.json}, an array of contexts to execute it with.
 */
final class DemoTour implements AutoCloseable {
  private static final String CALLS = "demo.json";
  private static final List<String> ONE_CALL =
      List.of("{\"message\":\"hello\",\"user\":\"ada\",\"channel\":\"#general\"}");

  private final Session session;
  private final String url;
  private final Plugins plugins;
  private final String command;
  private final Set<String> known = new HashSet<>();
  private final List<Shown> shown = new ArrayList<>();

  /** A plugin that was executed, and how. */
  private record Shown(String id, String name, String context) {}

  /** A tour of the server at {@code url}, which this process runs. */
  DemoTour(Session session, String url) {
    Map<String, String> environment = new HashMap<>(session.environment());
    environment.put("BERTH_URL", url);
    environment.remove("BERTH_API_KEY");
    this.session = new Session(session.terminal(), session.local(), environment);
    this.url = url;
    this.plugins = new Plugins(new RestClient(URI.create(url), null));
    this.command = System.getProperty("berth.command", "berth");
  }

  /** Installs, enables and executes each example. Ends at the first that fails. */
  ExitCode run(List<Path> examples) {
    if (examples.isEmpty()) {
      throw ExitCode.FAILED.failure(
          ErrorCode.NOT_FOUND, "This distribution came without example plugins.");
    }
    say("Berth serves on " + url + ".");
    if (!url.equals(Session.DEFAULT_URL)) {
      say("");
      say("$ export BERTH_URL=" + url);
    }
    // With --data, earlier plugins may be there; only what this tour installs is new.
    plugins.list("all").json().path("plugins").forEach(plugin -> known.add(id(plugin)));
    for (Path example : examples) {
      ExitCode exit = show(example);
      if (exit != ExitCode.OK) {
        return exit;
      }
    }
    return type("list");
  }

  private ExitCode show(Path example) {
    ExitCode installed = type("install", shortest(example));
    if (installed != ExitCode.OK) {
      return installed;
    }
    String name = "";
    String id = "";
    for (JsonNode plugin : plugins.list("all").json().path("plugins")) {
      if (known.add(id(plugin))) {
        id = id(plugin);
        name = plugin.path("name").asString(id);
      }
    }
    ExitCode enabled = type("enable", name);
    if (enabled != ExitCode.OK) {
      return enabled;
    }
    for (String context : calls(example)) {
      ExitCode executed = type("execute", name, context);
      if (executed != ExitCode.OK) {
        return executed;
      }
      shown.add(new Shown(id, name, context));
    }
    return ExitCode.OK;
  }

  private ExitCode type(String... words) {
    var line = new StringBuilder("$ ").append(command);
    for (String word : words) {
      line.append(' ').append(word.matches("[\\w./:=-]+") ? word : quoted(word));
    }
    say("");
    say(line.toString());
    int exit = BerthCli.run(words, session);
    for (ExitCode code : ExitCode.values()) {
      if (code.number() == exit) {
        return code;
      }
    }
    return ExitCode.FAILED;
  }

  /**
   * Disables, enables and executes the first of them again, so many times, then executes it three
   * hundred times as often; says nothing.
   */
  void practise(int times) {
    Shown first = shown.getFirst();
    var plugin = new Plugins.Ref(first.id(), first.name());
    for (int i = 0; i < times; i++) {
      var _ = plugins.disable(plugin);
      var _ = plugins.enable(plugin);
      var _ = plugins.execute(plugin, first.context(), null);
    }
    for (int i = 0; i < 300 * times; i++) {
      var _ = plugins.execute(plugin, first.context(), null);
    }
  }

  /** Says how to go on. */
  void whatNext() {
    Shown last = shown.getFirst();
    say("");
    say("It serves on until Ctrl-C. What to try next, in another terminal:");
    say("");
    if (!url.equals(Session.DEFAULT_URL)) {
      say("  export BERTH_URL=" + url);
    }
    say("  " + command + " info " + last.name());
    say("  " + command + " logs -f " + last.name());
    say("  " + command + " help");
    say("  curl -s " + url + "/api/plugins");
    say("  curl -s -X POST " + url + "/api/plugins/" + last.id() + "/execute \\");
    say(
        "    -H 'Content-Type: application/json' -d "
            + quoted("{\"context\":" + last.context() + "}"));
    say("  curl -s -X POST " + url + "/api/plugins/install -F file=@my-plugin-1.0.0.tar.gz");
  }

  private static List<String> calls(Path example) {
    Path file = example.resolve(CALLS);
    if (!Files.exists(file)) {
      return ONE_CALL;
    }
    try {
      return JsonText.parse(Files.readString(file)).valueStream().map(JsonText::compact).toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String id(JsonNode plugin) {
    return plugin.path("id").asString("");
  }

  private static String shortest(Path path) {
    Path here = Path.of("").toAbsolutePath();
    Path absolute = path.toAbsolutePath().normalize();
    return absolute.startsWith(here) ? here.relativize(absolute).toString() : absolute.toString();
  }

  /** A word as a POSIX shell takes it. */
  private static String quoted(String word) {
    return "'" + word.replace("'", "'\\''") + "'";
  }

  private void say(String line) {
    session.terminal().line(line);
  }

  @Override
  public void close() {
    plugins.close();
  }
}
