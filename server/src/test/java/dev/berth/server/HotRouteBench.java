package dev.berth.server;

import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.Callback;

/**
 * Three servers to put a load generator on: an echo on the same threads and socket as the real one
 * has, the real one with a service that answers at once, and the real one with a service that
 * answers in the selector's next round. Prints their ports, runs until its input ends. What the
 * others lose against the first is what the gate and the call cost. Takes the number of selectors.
 */
final class HotRouteBench {
  private HotRouteBench() {}

  public static void main(String[] args) throws Exception {
    int selectors = args.length > 0 ? Integer.parseInt(args[0]) : 1;
    ServerSettings base =
        ServerSettings.of("127.0.0.1", 0, Files.createTempDirectory("berth-bench"));
    var settings =
        new ServerSettings(
            base.host(),
            0,
            base.uploads(),
            base.maxUploadBytes(),
            base.maxBodyBytes(),
            base.idleTimeout(),
            base.minBytesPerSecond(),
            selectors,
            Duration.ofSeconds(1));
    var service = new FakePluginService();
    service.onExecute =
        request -> {
          Json result = request.context();
          return CompletableFuture.completedFuture(
              new ExecutionResult.Succeeded(result, true, Duration.ofNanos(1000)));
        };
    BerthServer later = BerthServer.start(settings);
    later.serve(inTheNextRound(later), new FakeKeys());
    try (BerthServer berth = BerthServer.start(settings)) {
      berth.serve(service, new FakeKeys());
      var listener = new Listener(settings);
      var echo = new Server(listener.pool());
      echo.setHandler(new Echo());
      ServerConnector connector = listener.connector(echo);
      echo.addConnector(connector);
      echo.start();
      System.out.println("echo " + connector.getLocalPort());
      System.out.println("execute " + berth.url().getPort());
      System.out.println("later " + later.url().getPort());
      while (System.in.read() >= 0) {
        Thread.onSpinWait();
      }
      echo.stop();
      listener.close();
    }
    later.close();
  }

  /** A service that answers in the selector's next round, as one behind a plugin's socket does. */
  private static FakePluginService inTheNextRound(BerthServer berth) {
    var service = new FakePluginService();
    var selector =
        berth.connector().getSelectorManager().getBeans(ManagedSelector.class).iterator().next();
    service.onExecute =
        request -> {
          var answer = new CompletableFuture<ExecutionResult>();
          Json result = request.context();
          selector.submit(_ ->
              answer.complete(new ExecutionResult.Succeeded(result, true, Duration.ofNanos(1000))));
          return answer;
        };
    return service;
  }

  /** Sends back the body it gets. */
  private static final class Echo extends Handler.Abstract.NonBlocking {
    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      new BodyReader(
              request,
              1 << 20,
              10_000,
              new BodyReader.Receiver() {
                @Override
                public void onBody(byte[] bytes, int length) {
                  response.getHeaders().put(HttpHeader.CONTENT_TYPE, "application/json");
                  response.write(true, ByteBuffer.wrap(bytes, 0, length), callback);
                }

                @Override
                public void onBodyFailed(dev.berth.api.PluginException why) {
                  callback.failed(why);
                }
              })
          .run();
      return true;
    }
  }
}
