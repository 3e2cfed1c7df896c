package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import io.javalin.Javalin;
import io.javalin.compression.CompressionStrategy;
import io.javalin.config.JavalinConfig;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.io.IOException;
import org.eclipse.jetty.server.LowResourceMonitor;
import org.eclipse.jetty.server.Server;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Javalin with our routes, behind the gate. */
final class JavalinApp {
  private static final Logger LOG = LoggerFactory.getLogger(JavalinApp.class);

  private JavalinApp() {}

  static Javalin create(Listener listener, Gate gate, RouteTable routes, ServerState state) {
    return Javalin.create(config -> configure(config, listener, gate, routes, state));
  }

  private static void configure(
      JavalinConfig config, Listener listener, Gate gate, RouteTable routes, ServerState state) {
    config.startup.showJavalinBanner = false;
    config.startup.showOldJavalinVersionWarning = false;
    config.startup.startupWatcherEnabled = false;
    config.concurrency.useVirtualThreads = true;
    config.router.ignoreTrailingSlashes = false;
    config.http.compressionStrategy = CompressionStrategy.NONE;
    config.jetty.threadPool = listener.pool();
    config.jetty.modifyServer(server -> prepare(server, gate));
    config.jetty.modifyServletContextHandler(
        handler -> handler.setErrorHandler(new ProblemErrorHandler(gate)));
    config.jetty.addConnector((server, _) -> listener.connector(server));
    for (Route route : routes.routes()) {
      config.routes.addHttpHandler(
          HandlerType.findOrCreate(route.method()),
          route.path(),
          context -> run(route, context, state));
      if (route.method().equals("GET")) {
        config.routes.addHttpHandler(
            HandlerType.HEAD, route.path(), context -> run(route, context, state));
      }
    }
    config.routes.exception(Exception.class, JavalinApp::answerFailure);
  }

  private static void prepare(Server server, Gate gate) {
    // In the place of Javalin's statistics; what is counted is counted in the gate.
    server.setHandler(gate);
    server.setErrorHandler(new ProblemErrorHandler(gate));
    server.getBeans(LowResourceMonitor.class).forEach(server::removeBean);
    server.setStopTimeout(0);
    server.setStopAtShutdown(false);
  }

  private static void run(Route route, Context context, ServerState state) throws Exception {
    Backend backend = state.backend();
    if (backend != null) {
      route.handler().handle(context, backend);
    } else {
      // The gate lets nothing else through before there is something to serve.
      SystemRoutes.live(context);
    }
  }

  private static void answerFailure(Exception failure, Context context) {
    if (context.res().isCommitted()) {
      LOG.debug("{} {} ended early", context.method(), context.path(), failure);
      return;
    }
    PluginException error;
    if (failure instanceof PluginException known) {
      error = known;
    } else if (failure instanceof IOException) {
      error = Bodies.failure(failure);
    } else {
      error = new PluginException(ErrorCode.INTERNAL, String.valueOf(failure), failure);
    }
    if (error.code() == ErrorCode.INTERNAL) {
      LOG.error(
          "request {} {} {} failed",
          context.res().getHeader("X-Request-Id"),
          context.method(),
          context.path(),
          error);
    }
    Problem problem = Problem.of(error);
    problem.headers().forEach(context::header);
    context.status(problem.status()).contentType(Problem.CONTENT_TYPE).result(problem.toJson());
  }
}
