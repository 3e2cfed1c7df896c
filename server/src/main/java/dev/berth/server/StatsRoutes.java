package dev.berth.server;

import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.StatusFilter;
import io.javalin.http.Context;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The routes that show what is used. */
final class StatsRoutes {
  private final HostFigures host;

  StatsRoutes(HostFigures host) {
    this.host = host;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", "/api/plugins/{id}/stats", Route.Body.NONE, false, StatsRoutes::one),
        new Route("GET", "/api/stats", Route.Body.NONE, false, this::all));
  }

  private static void one(Context context, Backend backend) {
    Plugin plugin = backend.service().info(Answers.plugin(context));
    Answers.json(context, Views.stats(plugin, backend.service().stats(plugin.id())));
  }

  private void all(Context context, Backend backend) {
    List<Map<String, Object>> plugins = new ArrayList<>();
    for (Plugin plugin : backend.service().list(StatusFilter.ENABLED)) {
      try {
        plugins.add(Views.stats(plugin, backend.service().stats(plugin.id())));
      } catch (PluginException _) {
        // Uninstalled since it was listed: it has no figures any more.
      }
    }
    var view = new LinkedHashMap<String, Object>();
    view.put("host", host.view());
    view.put("plugins", plugins);
    Answers.json(context, view);
  }
}
