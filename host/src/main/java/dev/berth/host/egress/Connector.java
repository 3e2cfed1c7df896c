package dev.berth.host.egress;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;

/** Connects to addresses that were checked. */
@FunctionalInterface
interface Connector {
  /** By TCP. */
  Connector SYSTEM =
      (address, millis) -> {
        SocketChannel channel = SocketChannel.open();
        try {
          channel.socket().connect(address, millis);
          return channel;
        } catch (IOException e) {
          channel.close();
          throw e;
        }
      };

  /**
   * A connection to that very address.
   *
   * @param millis how long that may take, in milliseconds
   * @throws IOException when there is none by then
   */
  SocketChannel connect(InetSocketAddress address, int millis) throws IOException;
}
