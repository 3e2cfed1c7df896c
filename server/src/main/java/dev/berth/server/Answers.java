package dev.berth.server;

import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import io.javalin.http.Context;

/** What the routes have in common: how an answer is written, how a path is read. */
final class Answers {
  private Answers() {}

  static void json(Context context, Object value) {
    context.contentType("application/json").result(JsonText.write(value));
  }

  /**
   * The plugin a path names.
   *
   * @throws PluginException {@code plugin_not_found} when it can't be an id
   */
  static PluginId plugin(Context context) {
    return new PluginId(context.pathParam("id"));
  }

  /** Whether the client wants to be told while it waits. */
  static boolean wantsEvents(Context context) {
    return Sse.isAskedFor(context.header("Accept"));
  }
}
