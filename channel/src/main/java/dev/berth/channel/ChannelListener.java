package dev.berth.channel;

import dev.berth.api.PluginException;

/** Told what a worker does unasked. Called on the loop's thread; must not block. */
public interface ChannelListener {
  /**
   * A log record of the plugin's.
   *
   * @param epochMillis when, by the worker's clock, in milliseconds since 1970
   * @param source {@code logging}, {@code stdout} or {@code stderr}
   */
  void onLog(long epochMillis, String level, String source, String logger, String message);

  /** A cancelled call was not given up within the grace time: the worker must be killed. */
  void onUnresponsive(PluginException why);

  /**
   * The conversation is over: the socket ended, or the worker broke the protocol, in which case it
   * must be killed. Every call in flight has failed already. Called once.
   */
  void onClosed(PluginException why);
}
