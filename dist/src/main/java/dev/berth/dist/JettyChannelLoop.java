package dev.berth.dist;

import dev.berth.channel.ChannelLoop;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Drives plugin sockets on the selectors of the HTTP server, so that a call goes from the socket of
 * its client to that of its plugin and back without a hop between threads.
 */
final class JettyChannelLoop implements ChannelLoop {
  private final ServerConnector connector;

  JettyChannelLoop(ServerConnector connector) {
    this.connector = connector;
  }

  @Override
  public Registration add(SocketChannel socket, Handler handler, Consumer<Registration> attach) {
    throw new UnsupportedOperationException("being built: " + connector);
  }

  @Override
  public void close() {}
}
