package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.TenantId;
import dev.berth.api.Text;
import io.javalin.http.Context;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The routes that make, list and revoke API keys. */
final class KeyRoutes {
  private static final int MAX_NAME = 100;

  private final ServerSettings settings;
  private final Authenticator authenticator;

  KeyRoutes(ServerSettings settings, Authenticator authenticator) {
    this.settings = settings;
    this.authenticator = authenticator;
  }

  List<Route> routes() {
    return List.of(
        new Route("POST", "/api/keys", Route.Body.JSON, false, this::create),
        new Route("GET", "/api/keys", Route.Body.NONE, false, this::list),
        new Route("DELETE", "/api/keys/{id}", Route.Body.NONE, false, this::revoke));
  }

  private void create(Context context, Backend backend) {
    ObjectNode body = JsonText.readObject(Bodies.json(context, settings));
    for (String field : body.propertyNames()) {
      if (!field.equals("name")) {
        String shown = Text.printable(field, 80);
        throw new PluginException(
            ErrorCode.UNKNOWN_FIELD,
            "There is no field '" + shown + "' here.",
            Map.of("field", shown, "known", List.of("name")),
            null);
      }
    }
    JsonNode name = body.get("name");
    String text = name != null && name.isString() ? name.stringValue().strip() : "";
    if (text.isEmpty()
        || text.length() > MAX_NAME
        || !text.equals(Text.printable(text, MAX_NAME))) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "'name' must say what the key is for, in 1 to " + MAX_NAME + " printable characters.",
          Map.of("field", "name"),
          null);
    }
    AccessKeys.Created created = backend.keys().create(TenantId.DEFAULT, text);
    Map<String, Object> view = Views.key(created.key());
    view.put("secret", created.secret());
    context.status(201);
    Answers.json(context, view);
  }

  private void list(Context context, Backend backend) {
    List<Map<String, Object>> keys = backend.keys().list().stream().map(Views::key).toList();
    var view = new LinkedHashMap<String, Object>();
    view.put("keys", keys);
    view.put("total", keys.size());
    Answers.json(context, view);
  }

  private void revoke(Context context, Backend backend) {
    String id = context.pathParam("id");
    boolean revoked = backend.keys().revoke(id);
    authenticator.forget();
    if (!revoked) {
      throw new PluginException(
          ErrorCode.NOT_FOUND,
          "There is no key '" + Text.printable(id, 80) + "'. GET /api/keys lists them.");
    }
    var view = new LinkedHashMap<String, Object>();
    view.put("id", id);
    view.put("status", "revoked");
    Answers.json(context, view);
  }
}
