package dev.berth.channel;

import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A conversation with one worker. Safe for use by many threads; no method blocks.
 *
 * <p>Futures complete on the loop's thread, or on the calling one for what is known at once (too
 * many calls, channel closed), so what is hung on them must not block. They fail with a {@link
 * PluginException}: {@code plugin_timeout}, {@code plugin_error}, {@code plugin_crashed} (the
 * socket ended), {@code plugin_protocol_error}, {@code plugin_overloaded} and others. Cancelling
 * one tells the worker to cancel the call.
 */
public interface WorkerChannel extends AutoCloseable {
  /**
   * Loads the plugin: its module, its class, {@code __init__(config)}, {@code initialize()}. Fails
   * with {@code plugin_syntax_error}, {@code plugin_import_error}, {@code plugin_class_missing},
   * {@code plugin_start_failed} or {@code plugin_start_timeout}; the details then hold {@code
   * traceback} where there is one.
   *
   * @return what the worker says of itself, a JSON object with {@code protocol}, {@code python} and
   *     {@code health} (whether the plugin has a {@code health_check})
   */
  CompletableFuture<Json> initialize(Initialization message, Duration timeout);

  /**
   * Calls {@code execute(context)}. The future completes normally, with {@link
   * ExecutionResult.Failed} for a failure. At the deadline it completes with {@code plugin_timeout}
   * at once and the worker is told to cancel; cancelling the future tells it too.
   *
   * @param context a JSON object
   * @return null when the channel is closed and the worker was never given the call. One that was
   *     given it may have run it, however soon it crashed
   */
  @Nullable CompletableFuture<ExecutionResult> execute(
      Json context, Duration timeout, ExecutionListener listener);

  /** Calls {@code health_check()}; JSON null when the plugin has none. */
  CompletableFuture<Json> health(Duration timeout);

  /**
   * Calls {@code cleanup()}, after which the worker ends by itself.
   *
   * @param cut what calls fail with that are in flight when the socket ends
   */
  CompletableFuture<Void> shutdown(Duration timeout, PluginException cut);

  /**
   * Whether the worker was told to cancel a call and has said nothing since. If its event loop
   * stands still, what it is given now goes down with it when its grace is over.
   */
  boolean isSilent();

  /** Calls sent and not yet answered by the worker, cancelled ones included. */
  int inFlight();

  /** Answers dropped because their call had been answered, cancelled or timed out before. */
  long droppedAnswers();

  /** Closes the socket; every call in flight fails with {@code why}. Idempotent. */
  void close(PluginException why);

  /** Closes the socket; every call in flight fails with {@code shutting_down}. Idempotent. */
  @Override
  void close();
}
