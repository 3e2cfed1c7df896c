package dev.berth.channel;

import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/**
 * A conversation with one worker. Every future completes on the loop's thread, with a {@link
 * dev.berth.api.PluginException} when it fails: {@code plugin_timeout}, {@code plugin_error},
 * {@code plugin_crashed} (the socket ended), {@code plugin_protocol_error} and others.
 */
public interface WorkerChannel extends AutoCloseable {
  /**
   * Loads the plugin: its module, its class, {@code __init__(config)}, {@code initialize()}.
   *
   * @return what the worker says of itself, a JSON object
   */
  CompletableFuture<Json> initialize(Initialization message, Duration timeout);

  /**
   * Calls {@code execute(context)}. The future completes normally, with {@link
   * ExecutionResult.Failed} for a failure. At the deadline it completes with {@code plugin_timeout}
   * at once and the worker is told to cancel; cancelling the future tells it too.
   *
   * @param context a JSON object
   */
  CompletableFuture<ExecutionResult> execute(
      Json context, Duration timeout, ExecutionListener listener);

  /** Calls {@code health_check()}; JSON null when the plugin has none. */
  CompletableFuture<Json> health(Duration timeout);

  /** Calls {@code cleanup()}, after which the worker ends by itself. */
  CompletableFuture<Void> shutdown(Duration timeout);

  /** Calls sent and not yet answered by the worker, cancelled ones included. */
  int inFlight();

  /** Closes the socket; every call in flight fails with {@code why}. Idempotent. */
  void close(dev.berth.api.PluginException why);

  @Override
  void close();
}
