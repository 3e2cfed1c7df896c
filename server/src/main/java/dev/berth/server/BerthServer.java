package dev.berth.server;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginService;
import java.net.URI;
import org.eclipse.jetty.server.ServerConnector;

/**
 * The REST server. It listens from {@link #start} on and answers 503 {@code starting} to all but
 * {@code /health/live} until {@link #serve} gives it something to serve.
 */
@SuppressWarnings("DoNotCallSuggester") // until it is built
public final class BerthServer implements AutoCloseable {
  private BerthServer() {}

  /**
   * Listens.
   *
   * @throws PluginException {@code bad_request} when the address can't be bound
   */
  public static BerthServer start(ServerSettings settings) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "being built: " + settings);
  }

  /**
   * Answers requests from now on.
   *
   * @throws PluginException {@code unauthenticated} when the address is not a loopback one and
   *     there is no key; the server is closed then
   */
  public void serve(PluginService service, AccessKeys keys) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "being built");
  }

  /** Jetty's connector, whose selectors can drive other sockets too. */
  public ServerConnector connector() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "being built");
  }

  /** Where it listens, e.g. {@code http://127.0.0.1:8000}. */
  public URI url() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "being built");
  }

  /** Takes no new request, lets those under way finish within the bound, stops. Idempotent. */
  @Override
  public void close() {}
}
