package dev.berth.server;

import dev.berth.api.PluginException;
import java.nio.ByteBuffer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.PreEncodedHttpField;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;

/**
 * {@code POST /bench/echo}, the yardstick of the benchmarks: it goes the way a call to a plugin
 * goes through this server, and answers with its own body. There only with {@code
 * -Dberth.bench=true}.
 */
final class Echo implements BodyReader.Receiver {
  static final String PATH = "/bench/echo";

  private static final PreEncodedHttpField JSON =
      new PreEncodedHttpField(HttpHeader.CONTENT_TYPE, "application/json");

  private final Response response;
  private final Exchange exchange;

  private Echo(Response response, Exchange exchange) {
    this.response = response;
    this.exchange = exchange;
  }

  static boolean wanted() {
    return Boolean.getBoolean("berth.bench");
  }

  static void handle(
      Request request, Response response, Exchange exchange, ServerSettings settings) {
    int limit = settings.maxBodyBytes();
    var echo = new Echo(response, exchange);
    new BodyReader(request, limit, settings.bodyMillis(limit), echo).run();
  }

  @Override
  public void onBody(byte[] bytes, int length) {
    response.getHeaders().add(JSON);
    response.write(true, ByteBuffer.wrap(bytes, 0, length), exchange);
  }

  @Override
  public void onBodyFailed(PluginException why) {
    Problem.of(why).send(response, exchange);
  }
}
