package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.host.store.PluginsManifest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps plugins/manifest.json up to date. It is a copy for people, and written out to the disk
 * takes longer than the rest of an enable: no operation waits for it, and several changes are one
 * write.
 */
final class RegistryCopy {
  private static final Logger LOG = LoggerFactory.getLogger(RegistryCopy.class);

  private final PluginsManifest file;
  private final ExecutorService background;
  private boolean stale;
  private CompletableFuture<Void> writing = CompletableFuture.completedFuture(null);

  RegistryCopy(PluginsManifest file, ExecutorService background) {
    this.file = file;
    this.background = background;
  }

  /** The registry has changed. */
  synchronized void changed() {
    stale = true;
    if (writing.isDone()) {
      try {
        writing = CompletableFuture.runAsync(this::write, background);
      } catch (RejectedExecutionException _) {
        write(); // The host closes.
      }
    }
  }

  /** Completed when the copy has what was changed before this call. */
  synchronized CompletableFuture<Void> upToDate() {
    return writing;
  }

  /** Writes until there is nothing new to write. */
  void write() {
    while (isStale()) {
      try {
        file.write();
      } catch (PluginException e) {
        LOG.warn("plugins/manifest.json is out of date until the next change: {}", e.getMessage());
      }
    }
  }

  private synchronized boolean isStale() {
    boolean was = stale;
    stale = false;
    if (!was) {
      writing = CompletableFuture.completedFuture(null);
    }
    return was;
  }
}
