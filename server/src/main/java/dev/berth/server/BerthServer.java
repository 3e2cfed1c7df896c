package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginService;
import io.javalin.Javalin;
import io.javalin.util.JavalinBindException;
import java.net.BindException;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The REST server. It listens from {@link #start} on and answers 503 {@code starting} to all but
 * {@code /health/live} until {@link #serve} gives it something to serve.
 */
public final class BerthServer implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BerthServer.class);

  private final ServerSettings settings;
  private final AccessRules rules;
  private final ServerState state = new ServerState();
  private final HttpMetrics metrics = new HttpMetrics(state);
  private final Listener listener;
  private final RouteTable routes;
  private final Javalin javalin;
  private final SlowClients slowClients;
  private final AtomicBoolean stopped = new AtomicBoolean();

  private BerthServer(ServerSettings settings) {
    this.settings = settings;
    this.rules = AccessRules.of(settings.host());
    this.listener = new Listener(settings);
    var authenticator = new Authenticator(!rules.loopback());
    var uploads = new Uploads(settings);
    this.routes = routes(settings, authenticator, uploads);
    var gate =
        new Gate(
            settings,
            rules,
            authenticator,
            routes,
            new ExecuteHandler(settings),
            state,
            metrics,
            listener.blocking());
    this.javalin = JavalinApp.create(listener, gate, routes, state);
    uploads.prepare();
    try {
      var _ = javalin.start();
    } catch (JavalinBindException e) {
      throw cannotListen(e);
    } catch (RuntimeException e) {
      throw cannotListen(e);
    }
    this.slowClients = new SlowClients(connector(), settings.idleTimeout());
  }

  /**
   * Listens.
   *
   * @throws PluginException {@code listen_failed} when the address or the folder for uploads can't
   *     be used
   */
  public static BerthServer start(ServerSettings settings) {
    return new BerthServer(settings);
  }

  private RouteTable routes(ServerSettings settings, Authenticator authenticator, Uploads uploads) {
    var streams = new ProgressStream(settings, listener.blocking());
    var all = new ArrayList<Route>();
    all.add(new Route("POST", ExecuteHandler.PATH, Route.Body.JSON, false, streams::execute));
    all.addAll(new PluginRoutes(settings, uploads, streams).routes());
    all.addAll(new StatsRoutes(new HostFigures()).routes());
    all.addAll(new LogRoutes(state).routes());
    all.addAll(new ErrorRoutes().routes());
    all.addAll(new KeyRoutes(settings, authenticator).routes());
    all.addAll(new SystemRoutes(metrics).routes());
    if (Echo.wanted()) {
      // First, so that looking for it costs no more than looking for a call's route.
      all.addFirst(new Route("POST", Echo.PATH, Route.Body.JSON, false, streams::execute));
    }
    return new RouteTable(all);
  }

  /**
   * Answers requests from now on.
   *
   * @throws PluginException {@code unauthenticated} when the address is not a loopback one and
   *     there is no key; the server then answers 503 until it is closed
   */
  public void serve(PluginService service, AccessKeys keys) {
    if (!rules.loopback() && keys.list().isEmpty()) {
      drain();
      throw new PluginException(
          ErrorCode.UNAUTHENTICATED,
          "Refusing to listen on "
              + settings.host()
              + " without an API key, since others can reach that address. Make one with `berth"
              + " key create`, or listen on 127.0.0.1.");
    }
    state.serve(new Backend(service, keys));
    LOG.info("serving on {}", url());
  }

  /** Jetty's connector, whose selectors can drive other sockets too. */
  public ServerConnector connector() {
    return (ServerConnector) jetty().getConnectors()[0];
  }

  /** Where it listens, e.g. {@code http://127.0.0.1:8000}. */
  public URI url() {
    String host = settings.host().contains(":") ? "[" + settings.host() + "]" : settings.host();
    return URI.create("http://" + host + ":" + connector().getLocalPort());
  }

  /** Every route there is, as {@code METHOD path}. */
  List<String> routeNames() {
    return routes.routes().stream().map(route -> route.method() + " " + route.path()).toList();
  }

  private Server jetty() {
    return javalin.jettyServer().server();
  }

  private PluginException cannotListen(RuntimeException e) {
    listener.close();
    metrics.close();
    return new PluginException(
        ErrorCode.LISTEN_FAILED,
        "Can't listen on "
            + settings.host()
            + " port "
            + settings.port()
            + ": "
            + reason(e)
            + ". Stop what uses it, or choose another with --port.",
        e);
  }

  /** What the kernel said, however deep it lies. */
  private static String reason(RuntimeException failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof BindException) {
        return String.valueOf(cause.getMessage());
      }
    }
    return String.valueOf(failure.getMessage()).replaceAll("\\.$", "");
  }

  /**
   * Takes no new request, answering 503 {@code shutting_down}, and waits for those under way as
   * long as the settings say. What else lives on its selectors goes on until {@link #close}:
   * plugins can still be told to clean up. Idempotent.
   */
  public void drain() {
    try {
      state.drain(settings.stopTimeout());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  /** Drains, then stops listening and ends its threads. Idempotent. */
  @Override
  public void close() {
    drain();
    if (!stopped.compareAndSet(false, true)) {
      return;
    }
    slowClients.close();
    var _ = javalin.stop();
    listener.close();
    metrics.close();
  }
}
