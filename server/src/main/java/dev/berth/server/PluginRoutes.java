package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.StatusFilter;
import dev.berth.api.Text;
import dev.berth.api.WireName;
import io.javalin.http.Context;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The routes that install, change and show plugins. */
final class PluginRoutes {
  private final ServerSettings settings;
  private final Uploads uploads;
  private final ProgressStream streams;

  PluginRoutes(ServerSettings settings, Uploads uploads, ProgressStream streams) {
    this.settings = settings;
    this.uploads = uploads;
    this.streams = streams;
  }

  List<Route> routes() {
    return List.of(
        new Route("POST", "/api/plugins/install", Route.Body.UPLOAD, false, this::install),
        new Route("GET", "/api/plugins", Route.Body.NONE, false, this::list),
        new Route("GET", "/api/plugins/{id}", Route.Body.NONE, false, this::info),
        new Route("DELETE", "/api/plugins/{id}", Route.Body.NONE, false, this::uninstall),
        new Route("POST", "/api/plugins/{id}/enable", Route.Body.NONE, false, this::enable),
        new Route("POST", "/api/plugins/{id}/disable", Route.Body.NONE, false, this::disable),
        new Route("POST", "/api/plugins/{id}/update", Route.Body.UPLOAD, false, this::update),
        new Route("GET", "/api/plugins/{id}/config", Route.Body.NONE, false, this::config),
        new Route("PUT", "/api/plugins/{id}/config", Route.Body.JSON, false, this::configure),
        new Route("GET", "/api/plugins/{id}/health", Route.Body.NONE, false, this::health),
        new Route("GET", "/api/isolation", Route.Body.NONE, false, this::isolation));
  }

  /** Does the work of a request that may take long, telling how far it is. */
  @FunctionalInterface
  interface Work {
    Map<String, Object> run(InstallProgress progress);
  }

  private void install(Context context, Backend backend) throws Exception {
    if (Uploads.isMultipart(context)) {
      try (Upload upload = uploads.receive(context)) {
        answer(
            context,
            progress ->
                Views.installed(
                    backend.service().install(upload.source(), upload.config(), progress)));
      }
      return;
    }
    ObjectNode body = JsonText.readObject(Bodies.json(context, settings));
    Json config = configOf(body, List.of("plugin_url", "config"));
    InstallSource source = urlOf(body.get("plugin_url"));
    answer(
        context, progress -> Views.installed(backend.service().install(source, config, progress)));
  }

  private void update(Context context, Backend backend) throws Exception {
    PluginId id = Answers.plugin(context);
    if (Uploads.isMultipart(context)) {
      try (Upload upload = uploads.receive(context)) {
        if (upload.config() != null) {
          throw new PluginException(
              ErrorCode.UNKNOWN_FIELD,
              "An update keeps the settings; change them with PUT /api/plugins/" + id + "/config.");
        }
        answer(
            context, progress -> updated(backend.service().update(id, upload.source(), progress)));
      }
      return;
    }
    ObjectNode body = JsonText.readObject(Bodies.json(context, settings));
    var _ = configOf(body, List.of("plugin_url"));
    InstallSource source = urlOf(body.get("plugin_url"));
    answer(context, progress -> updated(backend.service().update(id, source, progress)));
  }

  private static Map<String, Object> updated(Plugin plugin) {
    Map<String, Object> view = Views.installed(plugin);
    view.put("message", "Plugin updated successfully");
    return view;
  }

  private void answer(Context context, Work work) throws Exception {
    if (Answers.wantsEvents(context)) {
      streams.run(context, work);
    } else {
      Answers.json(context, work.run(InstallProgress.NONE));
    }
  }

  private static @Nullable Json configOf(ObjectNode body, List<String> known) {
    for (String name : body.propertyNames()) {
      if (!known.contains(name)) {
        String shown = Text.printable(name, 80);
        throw new PluginException(
            ErrorCode.UNKNOWN_FIELD,
            "There is no field '" + shown + "' here.",
            Map.of("field", shown, "known", known),
            null);
      }
    }
    JsonNode config = body.get("config");
    if (config == null || config.isNull()) {
      return null;
    }
    if (!config.isObject()) {
      throw new PluginException(ErrorCode.CONFIG_INVALID, "'config' must be a JSON object.");
    }
    return Json.of(config.toString());
  }

  private static InstallSource urlOf(@Nullable JsonNode url) {
    if (url == null || !url.isString()) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "Send the archive as multipart/form-data with a part 'file', or a JSON object with"
              + " 'plugin_url'.");
    }
    String text = url.stringValue();
    try {
      return new InstallSource.Url(new URI(text));
    } catch (URISyntaxException e) {
      throw new PluginException(
          ErrorCode.URL_NOT_ALLOWED, "'" + Text.printable(text, 200) + "' is not a URL.", e);
    }
  }

  private void list(Context context, Backend backend) {
    String status = context.queryParam("status");
    StatusFilter filter =
        status == null
            ? StatusFilter.ALL
            : WireName.find(StatusFilter.class, status).orElseThrow(() -> badStatus(status));
    List<Map<String, Object>> plugins =
        backend.service().list(filter).stream().map(Views::summary).toList();
    var view = new LinkedHashMap<String, Object>();
    view.put("plugins", plugins);
    view.put("total", plugins.size());
    Answers.json(context, view);
  }

  private static PluginException badStatus(String status) {
    return new PluginException(
        ErrorCode.BAD_REQUEST,
        "'status' must be one of "
            + String.join(
                ", ", Arrays.stream(StatusFilter.values()).map(StatusFilter::wireName).toList())
            + ", not '"
            + Text.printable(status, 40)
            + "'.",
        Map.of("field", "status"),
        null);
  }

  private void info(Context context, Backend backend) {
    Answers.json(context, Views.info(backend.service().info(Answers.plugin(context))));
  }

  private void uninstall(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    backend.service().uninstall(id);
    Answers.json(context, Views.changed(id, "uninstalled"));
  }

  private void enable(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    var _ = backend.service().enable(id);
    Answers.json(context, Views.changed(id, "enabled"));
  }

  private void disable(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    var _ = backend.service().disable(id);
    Answers.json(context, Views.changed(id, "disabled"));
  }

  private void config(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    Answers.json(context, Views.config(id, backend.service().config(id)));
  }

  private void configure(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    Json body = Bodies.json(context, settings);
    var _ = JsonText.readObject(body);
    Answers.json(context, Views.config(id, backend.service().configure(id, body)));
  }

  private void health(Context context, Backend backend) {
    PluginId id = Answers.plugin(context);
    Answers.json(context, Views.health(id, backend.service().health(id)));
  }

  private void isolation(Context context, Backend backend) {
    Answers.json(context, Views.hostIsolation(backend.service().isolation()));
  }
}
