package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.cli.RestClient.Body;
import dev.berth.cli.RestClient.Reply;
import dev.berth.cli.ServerEvents.Event;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** The plugins of one server, as its REST API has them. */
final class Plugins implements AutoCloseable {
  private static final Pattern ID = Pattern.compile("plugin_[0-9a-z]{1,32}");

  private final RestClient rest;

  Plugins(RestClient rest) {
    this.rest = rest;
  }

  /** What somebody called a plugin, and its id. */
  record Ref(String id, String name) {
    String path(String rest) {
      return "/api/plugins/" + id + rest;
    }

    /** Both, where they differ. */
    @Override
    public String toString() {
      return name.equals(id) ? id : name + " (" + id + ")";
    }
  }

  /** The plugin whose id or name {@code text} is. Asks the server for a name only. */
  Ref find(String text) {
    if (ID.matcher(text).matches()) {
      return new Ref(text, text);
    }
    List<String> names = new ArrayList<>();
    List<Ref> found = new ArrayList<>();
    for (JsonNode plugin : list("all").json().path("plugins")) {
      String name = plugin.path("name").asString("");
      names.add(name);
      if (name.equals(text)) {
        String id = plugin.path("id").asString("");
        if (!ID.matcher(id).matches()) {
          throw ExitCode.FAILED.failure(
              ErrorCode.PLUGIN_PROTOCOL_ERROR,
              "The server gave '" + id + "' as the id of " + name + ", which is not one.");
        }
        found.add(new Ref(id, name));
      }
    }
    if (found.size() == 1) {
      return found.getFirst();
    }
    if (found.isEmpty()) {
      throw ExitCode.NOT_FOUND.failure(
          ErrorCode.PLUGIN_NOT_FOUND,
          "There is no plugin '"
              + text
              + "'."
              + Nearest.hint(text, names)
              + " `berth list` shows them.");
    }
    throw ExitCode.REFUSED.failure(
        ErrorCode.BAD_REQUEST,
        "Several plugins are named '"
            + text
            + "'. Use an id: "
            + String.join(", ", found.stream().map(Ref::id).toList()));
  }

  Reply list(String status) {
    return rest.get("/api/plugins?status=" + URLEncoder.encode(status, StandardCharsets.UTF_8));
  }

  /** What the host and every enabled plugin use. */
  Reply stats() {
    return rest.get("/api/stats");
  }

  Reply info(Ref plugin) {
    return rest.get(plugin.path(""));
  }

  /**
   * Reads {@code /config}, {@code /health}, {@code /stats}, {@code /errors} or {@code /logs?...}.
   */
  Reply get(Ref plugin, String what) {
    return rest.get(plugin.path(what));
  }

  /**
   * Installs.
   *
   * @param progress told the server's events as they come; null to have the answer alone
   */
  Reply install(Body archive, @Nullable Consumer<Event> progress) {
    return post("/api/plugins/install", archive, progress);
  }

  Reply update(Ref plugin, Body archive, @Nullable Consumer<Event> progress) {
    return post(plugin.path("/update"), archive, progress);
  }

  Reply enable(Ref plugin) {
    return rest.send("POST", plugin.path("/enable"), Body.NONE);
  }

  Reply disable(Ref plugin) {
    return rest.send("POST", plugin.path("/disable"), Body.NONE);
  }

  /** Calls a plugin with {@code context}, a JSON object. */
  Reply execute(Ref plugin, String context, @Nullable Consumer<Event> progress) {
    return post(plugin.path("/execute"), Body.json("{\"context\":" + context + "}"), progress);
  }

  Reply configure(Ref plugin, String settings) {
    return rest.send("PUT", plugin.path("/config"), Body.json(settings));
  }

  Reply uninstall(Ref plugin) {
    return rest.send("DELETE", plugin.path(""), Body.NONE);
  }

  Reply clearErrors(Ref plugin) {
    return rest.send("DELETE", plugin.path("/errors"), Body.NONE);
  }

  /** Gives {@code listener} the newest {@code count} records and then each as it comes. */
  void followLogs(Ref plugin, int count, Consumer<Event> listener) {
    rest.follow(plugin.path("/logs?limit=" + count), listener);
  }

  private Reply post(String path, Body body, @Nullable Consumer<Event> progress) {
    return progress == null
        ? rest.send("POST", path, body)
        : rest.watch("POST", path, body, progress);
  }

  @Override
  public void close() {
    rest.close();
  }
}
