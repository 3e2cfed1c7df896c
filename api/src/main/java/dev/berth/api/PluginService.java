package dev.berth.api;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One tenant's plugins. Every method may be called from many threads and blocks the calling thread
 * (use virtual threads) unless it says otherwise; every one throws {@link PluginException} and
 * nothing else, and has changed nothing when it does. One that takes an id throws {@code
 * plugin_not_found} where the tenant has no such plugin; one that changes something may throw
 * {@code plugin_busy}, {@code shutting_down}, {@code store_unavailable} and {@code disk_full}
 * besides what it says.
 */
public interface PluginService {
  /**
   * Checks an archive, resolves its dependencies, stores it and registers it, not enabled.
   *
   * @param settings the operator's settings, a JSON object; null for none
   * @throws PluginException {@code archive_*}, {@code manifest_*}, {@code dependency_*}, {@code
   *     config_invalid}, {@code plugin_exists} and others; nothing is then registered
   */
  Plugin install(InstallSource source, @Nullable Json settings, InstallProgress progress);

  default Plugin install(InstallSource source) {
    return install(source, null, InstallProgress.NONE);
  }

  /**
   * Starts a plugin's worker and keeps it running, across crashes and restarts of the host. Returns
   * when it answers. Enabling an enabled plugin does nothing.
   *
   * @throws PluginException {@code config_missing}, {@code plugin_import_error}, {@code
   *     plugin_class_missing}, {@code plugin_start_failed} and others; the plugin then is as before
   */
  Plugin enable(PluginId id);

  /** Stops a plugin: it cleans up, finishes its calls, and no process of it is left. */
  Plugin disable(PluginId id);

  /**
   * Calls a plugin and waits. A call that fails is a result here, not an exception; so is one to a
   * plugin that there is not.
   *
   * @throws PluginException {@code cancelled} when the calling thread was interrupted
   */
  default ExecutionResult execute(ExecutionRequest request) {
    CompletableFuture<ExecutionResult> answer = executeAsync(request);
    try {
      return answer.get();
    } catch (InterruptedException _) {
      answer.cancel(true);
      Thread.currentThread().interrupt();
      throw new PluginException(
          ErrorCode.CANCELLED, request.plugin() + ": the call was cancelled.");
    } catch (java.util.concurrent.ExecutionException
        | java.util.concurrent.CancellationException e) {
      throw new PluginException(ErrorCode.INTERNAL, request.plugin() + ": " + e.getMessage(), e);
    }
  }

  /**
   * Calls a plugin without waiting and without holding a thread. The future completes on the thread
   * that read the answer, so what hangs on it must not block; it never completes exceptionally
   * except by cancellation. Cancelling it cancels the call in the plugin.
   */
  CompletableFuture<ExecutionResult> executeAsync(ExecutionRequest request);

  /** The tenant's plugins, by name. */
  List<Plugin> list(StatusFilter filter);

  /** One plugin. */
  Plugin info(PluginId id);

  /**
   * Replaces a plugin's package by another version of the same name and restarts its worker. Falls
   * back to the old version when the new one doesn't come up healthy, and then throws.
   */
  Plugin update(PluginId id, InstallSource source, InstallProgress progress);

  /** Stops a plugin and forgets it, with its settings, data and log. */
  void uninstall(PluginId id);

  /** Its settings, secrets left out. */
  PluginConfig config(PluginId id);

  /**
   * Changes settings and restarts the worker when it runs.
   *
   * @param settings a JSON object; a key set to null goes back to its default; keys left out stay
   * @throws PluginException {@code config_invalid}, naming every key that is wrong
   */
  PluginConfig configure(PluginId id, Json settings);

  /**
   * How a plugin is. One that has a {@code health_check} and was not asked within the last ten
   * seconds is asked now, which takes some five at most. That it is unhealthy is an answer, not an
   * exception.
   */
  PluginHealth health(PluginId id);

  /**
   * The newest {@code limit} records with a sequence above {@code after}, oldest first.
   *
   * @param after 0 for any
   */
  List<LogRecord> logs(PluginId id, long after, int limit);

  /**
   * Gives {@code consumer} each new record as it comes, on a thread of the host's, until the handle
   * is closed. A consumer that is slow misses records rather than holding the plugin.
   */
  default AutoCloseable followLogs(PluginId id, Consumer<LogRecord> consumer) {
    return followLogs(id, consumer, () -> {});
  }

  /**
   * Likewise.
   *
   * @param ended run after the last record, on the same thread, when the plugin was uninstalled
   */
  AutoCloseable followLogs(PluginId id, Consumer<LogRecord> consumer, Runnable ended);

  /** What a plugin uses; zeros while it has no worker, but for what is counted. */
  PluginStats stats(PluginId id);

  /**
   * What went wrong in a plugin since it was installed or its errors were cleared, the newest
   * first. It keeps a bounded number of groups; the one that was not seen for longest goes.
   */
  List<ErrorGroup> errors(PluginId id);

  /**
   * Forgets a plugin's errors.
   *
   * @throws PluginException {@code store_unavailable} when they can't be taken from the disk
   */
  void clearErrors(PluginId id);

  /** Whether the host can work, and what it lacks. Throws nothing: what fails here is a lack. */
  Readiness readiness();

  /** What a plugin's worker is kept apart by on this host. */
  Isolation isolation();
}
