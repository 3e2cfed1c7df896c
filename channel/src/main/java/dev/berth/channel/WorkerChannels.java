package dev.berth.channel;

import dev.berth.api.PluginId;
import java.io.IOException;
import java.nio.channels.SocketChannel;

/** Opens conversations. */
public final class WorkerChannels {
  private WorkerChannels() {}

  /**
   * Starts a conversation over a connected stream socket, which it owns from now on.
   *
   * @param socket past the launcher's token line; put into non-blocking mode here
   * @param plugin whose worker is at the other end; with {@code name}, for messages
   */
  public static WorkerChannel open(
      SocketChannel socket,
      ChannelLoop loop,
      PluginId plugin,
      String name,
      ChannelLimits limits,
      ChannelListener listener) {
    var channel = new SocketWorkerChannel(socket, limits, listener, new Failures(plugin, name));
    try {
      // Now, not when the loop's thread comes to it: a write in between would hold its caller until
      // the plugin reads.
      socket.configureBlocking(false);
    } catch (IOException _) {
      // It is closed, which the loop finds out and tells.
    }
    loop.add(socket, channel, channel::attach);
    return channel;
  }
}
