package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.channels.SocketChannel;
import java.util.function.Consumer;

/** A loop with a selector thread of its own. */
public final class SelectorLoop implements ChannelLoop {
  /** Starts the thread. */
  public SelectorLoop() {}

  @Override
  public Registration add(SocketChannel socket, Handler handler, Consumer<Registration> attach) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "The loop comes with a later commit.");
  }

  @Override
  public void close() {}
}
