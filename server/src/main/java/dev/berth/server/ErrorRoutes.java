package dev.berth.server;

import dev.berth.api.PluginId;
import io.javalin.http.Context;
import java.util.LinkedHashMap;
import java.util.List;

/** What went wrong in a plugin, counted: shown and forgotten. */
final class ErrorRoutes {
  List<Route> routes() {
    return List.of(
        new Route("GET", "/api/plugins/{id}/errors", Route.Body.NONE, false, this::list),
        new Route("DELETE", "/api/plugins/{id}/errors", Route.Body.NONE, false, this::clear));
  }

  private void list(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    Answers.json(context, Views.errors(id, backend.service().errors(id)));
  }

  private void clear(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    backend.service().clearErrors(id);
    var view = new LinkedHashMap<String, Object>();
    view.put("plugin_id", id.value());
    view.put("status", "cleared");
    Answers.json(context, view);
  }
}
