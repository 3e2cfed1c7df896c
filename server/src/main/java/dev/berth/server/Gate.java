package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.PreEncodedHttpField;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What holds for every request, in one place: where it may come from, its key, how long it may be,
 * its id, the headers of its answer, that it is counted. Then a call to a plugin goes to {@link
 * ExecuteHandler} on the thread it came in on, and everything else to Javalin on a virtual thread.
 */
final class Gate extends Handler.Wrapper {
  private static final Logger LOG = LoggerFactory.getLogger(Gate.class);

  private static final Set<String> DOTS = Set.of(".", "..");
  private static final String REQUEST_ID = "X-Request-Id";
  // A plugin's results are a stranger's data: nothing may guess a type for them, run or frame them.
  private static final List<HttpField> SECURITY =
      List.of(
          new PreEncodedHttpField("X-Content-Type-Options", "nosniff"),
          new PreEncodedHttpField(
              "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
          new PreEncodedHttpField("Cross-Origin-Resource-Policy", "same-origin"),
          new PreEncodedHttpField(HttpHeader.CACHE_CONTROL, "no-store"));

  private final ServerSettings settings;
  private final AccessRules rules;
  private final Authenticator authenticator;
  private final RouteTable routes;
  private final ExecuteHandler execute;
  private final ServerState state;
  private final HttpMetrics metrics;
  private final RequestIds ids = new RequestIds();
  private final Executor blocking;

  Gate(
      ServerSettings settings,
      AccessRules rules,
      Authenticator authenticator,
      RouteTable routes,
      ExecuteHandler execute,
      ServerState state,
      HttpMetrics metrics,
      Executor blocking) {
    this.settings = settings;
    this.rules = rules;
    this.authenticator = authenticator;
    this.routes = routes;
    this.execute = execute;
    this.state = state;
    this.metrics = metrics;
    this.blocking = blocking;
  }

  /** Whatever is behind it: what may block there is run elsewhere. */
  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }

  @Override
  public boolean handle(Request request, Response response, Callback callback) {
    String id = introduce(request, response);
    request.addIdleTimeoutListener(Gate::isFailure);
    var exchange = new Exchange(callback, request, response, state, metrics);
    try {
      admit(request, response, exchange);
    } catch (PluginException e) {
      refuse(request, response, exchange, e, id);
    } catch (RuntimeException e) {
      refuse(request, response, exchange, unexpected(e), id);
    }
    return true;
  }

  /** Gives an answer the headers that all have; the request's id. */
  String introduce(Request request, Response response) {
    HttpFields.Mutable answer = response.getHeaders();
    String known = answer.get(REQUEST_ID);
    if (known != null) {
      return known;
    }
    for (HttpField field : SECURITY) {
      answer.put(field);
    }
    String id = ids.nameFor(request.getHeaders().get(REQUEST_ID));
    answer.put(REQUEST_ID, id);
    return id;
  }

  /** A request that waits for a plugin is not idle; one that waits for its client Jetty fails. */
  private static boolean isFailure(TimeoutException idle) {
    return false;
  }

  private void admit(Request request, Response response, Exchange exchange) {
    String method = request.getMethod();
    rules.check(request.getHeaders(), method);
    String path = Request.getPathInContext(request);
    Route route = routes.find(method, path);
    exchange.route = route;
    checkPath(request, method, path, route);
    if (state.closing()) {
      response.getHeaders().put(HttpHeader.CONNECTION, "close");
      throw new PluginException(ErrorCode.SHUTTING_DOWN, "This server is shutting down.");
    }
    Backend backend = state.backend();
    if (backend == null && (route == null || !route.path().equals(SystemRoutes.LIVE))) {
      throw new PluginException(
          ErrorCode.STARTING, "This server is starting. Try again in a second.");
    }
    if (route == null || !route.open()) {
      String secret = authenticator.secretOf(request.getHeaders());
      if (secret != null && backend != null && !authenticator.remembers(secret)) {
        blocking.execute(() -> {
          try {
            authenticator.verify(secret, backend.keys());
            pass(request, response, exchange, route, path, backend);
          } catch (RuntimeException e) {
            refuse(request, response, exchange, asProblem(e), null);
          }
        });
        return;
      }
    }
    pass(request, response, exchange, route, path, backend);
  }

  /**
   * Refuses what Javalin, which goes by the path as it was sent, would take for another route than
   * this one, which goes by what it comes to.
   */
  private void checkPath(Request request, String method, String path, @Nullable Route route) {
    String sent = request.getHttpURI().getPath();
    if (sent == null || sent.equals(path)) {
      return;
    }
    if (sent.indexOf(';') >= 0
        || Route.segments(sent).stream().anyMatch(DOTS::contains)
        || (route != null && !route.equals(routes.find(method, sent)))) {
      throw new PluginException(
          ErrorCode.BAD_REQUEST,
          "The path can be read in two ways. Send it without '.', '..' and ';', and with %-escapes"
              + " only where they are needed.");
    }
  }

  private void pass(
      Request request,
      Response response,
      Exchange exchange,
      @Nullable Route route,
      String path,
      @Nullable Backend backend) {
    if (route == null) {
      answerUnrouted(request, response, exchange, path);
      return;
    }
    checkBody(request, route);
    if (backend != null && execute.takes(request, route)) {
      execute.handle(request, response, exchange, path, backend.service());
      return;
    }
    blocking.execute(() -> {
      try {
        if (!super.handle(request, response, exchange)) {
          Problem.of(ErrorCode.NOT_FOUND, "There is nothing at " + route.path() + ".")
              .send(response, exchange);
        }
      } catch (Exception e) {
        exchange.failed(e);
      }
    });
  }

  private void answerUnrouted(Request request, Response response, Exchange exchange, String path) {
    List<String> allowed = routes.allowed(path);
    if (allowed.isEmpty()) {
      throw new PluginException(
          ErrorCode.NOT_FOUND,
          "There is nothing at "
              + dev.berth.api.Text.printable(path, 200)
              + ". GET /openapi.yaml lists what there is.");
    }
    response.getHeaders().put(HttpHeader.ALLOW, String.join(", ", allowed));
    if (request.getMethod().equals("OPTIONS")) {
      response.setStatus(204);
      response.write(true, null, exchange);
      return;
    }
    throw new PluginException(
        ErrorCode.METHOD_NOT_ALLOWED,
        "Only " + String.join(", ", allowed) + " can be asked of this path.");
  }

  /** Refuses by what the head says, before any of the body is read. */
  private void checkBody(Request request, Route route) {
    if (request.getHeaders().contains(HttpHeader.CONTENT_ENCODING)) {
      throw new PluginException(
          ErrorCode.UNSUPPORTED_MEDIA_TYPE,
          "Content-Encoding is not taken: send the body as it is.");
    }
    long limit =
        switch (route.body()) {
          case NONE, JSON -> settings.maxBodyBytes();
          case UPLOAD -> Uploads.bodyLimit(settings);
        };
    if (request.getLength() > limit) {
      throw Bodies.tooLarge(request.getLength(), limit);
    }
  }

  private static PluginException asProblem(RuntimeException e) {
    return e instanceof PluginException plugin ? plugin : unexpected(e);
  }

  private static PluginException unexpected(RuntimeException e) {
    return new PluginException(ErrorCode.INTERNAL, String.valueOf(e.getMessage()), e);
  }

  private static void refuse(
      Request request,
      Response response,
      Exchange exchange,
      PluginException error,
      @Nullable String id) {
    if (error.code() == ErrorCode.INTERNAL) {
      LOG.error("request {} {} failed", id, request.getMethod(), error);
    }
    Problem.of(error).send(response, exchange);
  }
}
