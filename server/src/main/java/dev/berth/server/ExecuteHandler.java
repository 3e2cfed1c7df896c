package dev.berth.server;

import dev.berth.api.PluginId;
import dev.berth.api.PluginService;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;

/**
 * {@code POST /api/plugins/{id}/execute}, the one hot route: it holds no thread while the plugin
 * works, and passes the context and the result on as bytes.
 */
final class ExecuteHandler {
  static final String PATH = "/api/plugins/{id}/execute";

  private static final String BEFORE_ID = "/api/plugins/";
  private static final String AFTER_ID = "/execute";

  private final ServerSettings settings;

  ExecuteHandler(ServerSettings settings) {
    this.settings = settings;
  }

  /** Whether {@code path} is of the form {@link #PATH}. */
  static boolean isPath(String path) {
    int idEnd = path.length() - AFTER_ID.length();
    return idEnd > BEFORE_ID.length()
        && path.startsWith(BEFORE_ID)
        && path.endsWith(AFTER_ID)
        && path.indexOf('/', BEFORE_ID.length()) == idEnd;
  }

  /** Whether a request is one to answer here; an event stream is not. */
  boolean takes(Request request, Route route) {
    if (!route.path().equals(PATH)) {
      return route.path().equals(Echo.PATH);
    }
    String accept = request.getHeaders().get(HttpHeader.ACCEPT);
    return accept == null || !Sse.isAskedFor(accept);
  }

  /** Answers a request without blocking. */
  void handle(
      Request request, Response response, Exchange exchange, String path, PluginService service) {
    if (path.equals(Echo.PATH)) {
      Echo.handle(request, response, exchange, settings);
      return;
    }
    var id = new PluginId(path.substring(BEFORE_ID.length(), path.length() - AFTER_ID.length()));
    var call = new ExecuteCall(request, response, exchange, id, service);
    int limit = settings.maxBodyBytes();
    long expected = request.getLength() < 0 ? limit : request.getLength();
    new BodyReader(request, limit, settings.bodyMillis(expected), call).run();
  }
}
