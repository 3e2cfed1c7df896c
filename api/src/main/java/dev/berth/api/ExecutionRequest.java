package dev.berth.api;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * One call to a plugin.
 *
 * @param context a JSON object
 * @param timeout how long to wait at most; null, or more than the plugin's own limit, means the
 *     plugin's own limit
 * @param listener told of progress and partial results while the call runs
 */
public record ExecutionRequest(
    PluginId plugin, Json context, @Nullable Duration timeout, ExecutionListener listener) {
  public ExecutionRequest(PluginId plugin, Json context) {
    this(plugin, context, null, ExecutionListener.NONE);
  }
}
