package dev.berth.channel;

import dev.berth.api.PluginException;

/** Told what a worker does unasked. Called on the loop's thread; must not block. */
public interface ChannelListener {
  /**
   * A log record of the plugin's. What it says is the plugin's own word: not trusted, not escaped.
   *
   * @param epochMillis when, by the worker's clock, in milliseconds since 1970
   * @param level {@code DEBUG}, {@code INFO}, {@code WARNING}, {@code ERROR} or {@code CRITICAL}
   * @param source {@code logging}, {@code stdout} or {@code stderr}
   * @param logger the Python logger's name; empty for the other sources
   */
  void onLog(long epochMillis, String level, String source, String logger, String message);

  /** So many log records were left out by the worker here, because there were too many. */
  void onLogsDropped(long count);

  /**
   * The plugin did something wrong: a call, or its initialisation, failed by its own doing. Called
   * before whoever made the call is told. A call that was given up before counts no more.
   */
  void onFault(Fault fault);

  /**
   * {@link WorkerChannel#isSilent} has another value than before. Called on any thread; two that
   * come close together may come in the wrong order, so look at the value.
   */
  void onSilence();

  /** A cancelled call was not given up within the grace time: the worker must be killed. */
  void onUnresponsive(PluginException why);

  /**
   * The conversation is over. Every call in flight has failed already. Called once, on the loop's
   * thread or the one that closed the channel.
   *
   * @param why {@code plugin_crashed}: the socket ended; {@code plugin_protocol_error}: the worker
   *     broke the protocol and must be killed; else what {@link WorkerChannel#shutdown} or {@link
   *     WorkerChannel#close} was given
   */
  void onClosed(PluginException why);
}
