package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Readiness;
import io.javalin.http.Context;
import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The routes about the server itself. */
final class SystemRoutes {
  static final String LIVE = "/health/live";

  private final HttpMetrics metrics;

  SystemRoutes(HttpMetrics metrics) {
    this.metrics = metrics;
  }

  List<Route> routes() {
    return List.of(
        new Route("GET", LIVE, Route.Body.NONE, true, SystemRoutes::live),
        new Route("GET", "/health/ready", Route.Body.NONE, true, SystemRoutes::ready),
        new Route("GET", "/metrics", Route.Body.NONE, false, this::metrics),
        new Route("GET", "/openapi.yaml", Route.Body.NONE, false, SystemRoutes::openapi));
  }

  static void live(Context context) {
    Answers.json(context, Map.of("status", "live"));
  }

  private static void live(Context context, Backend backend) {
    live(context);
  }

  private static void ready(Context context, Backend backend) {
    Readiness readiness = backend.service().readiness();
    var view = new LinkedHashMap<String, Object>();
    view.put("status", readiness.ready() ? "ready" : "not_ready");
    view.put("problems", readiness.problems());
    context.status(readiness.ready() ? 200 : 503);
    Answers.json(context, view);
  }

  private void metrics(Context context, Backend backend) {
    context
        .contentType("text/plain; version=0.0.4; charset=utf-8")
        .result(metrics.scrape(backend.service()));
  }

  private static void openapi(Context context, Backend backend) {
    try (InputStream in = SystemRoutes.class.getResourceAsStream("openapi.yaml")) {
      if (in == null) {
        throw new PluginException(
            ErrorCode.INTERNAL, "openapi.yaml is missing from this build of Berth.");
      }
      context.contentType("application/yaml").result(in.readAllBytes());
    } catch (IOException e) {
      throw new PluginException(ErrorCode.INTERNAL, "openapi.yaml can't be read.", e);
    }
  }
}
