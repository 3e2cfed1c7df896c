package dev.berth.channel;

import dev.berth.api.PluginId;
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
    loop.add(socket, channel, channel::attach);
    return channel;
  }
}
