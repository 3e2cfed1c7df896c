package dev.berth.host.lifecycle;

import dev.berth.api.PluginId;
import dev.berth.channel.ChannelLimits;
import dev.berth.channel.ChannelListener;
import dev.berth.channel.ChannelLoop;
import dev.berth.channel.WorkerChannel;
import java.nio.channels.SocketChannel;

/** {@link dev.berth.channel.WorkerChannels#open}, or what tests put in its place. */
@FunctionalInterface
interface ChannelOpener {
  WorkerChannel open(
      SocketChannel socket,
      ChannelLoop loop,
      PluginId plugin,
      String name,
      ChannelLimits limits,
      ChannelListener listener);
}
