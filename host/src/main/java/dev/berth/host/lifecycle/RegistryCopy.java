package dev.berth.host.lifecycle;

import dev.berth.api.PluginException;
import dev.berth.host.store.PluginsManifest;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps plugins/manifest.json up to date. It is a copy for people, and to write it out takes longer
 * than the rest of an enable: it follows a moment later, when the plugin's first calls have passed,
 * and several changes are one write.
 */
final class RegistryCopy {
  private static final Logger LOG = LoggerFactory.getLogger(RegistryCopy.class);
  private static final Duration SOON = Duration.ofMillis(250);

  private final PluginsManifest file;
  private final Timer timer;
  private final Object writing = new Object();
  private boolean stale; // guarded by this

  RegistryCopy(PluginsManifest file, Timer timer) {
    this.file = file;
    this.timer = timer;
  }

  /** The registry has changed. */
  void changed() {
    if (!stale(true)) {
      try {
        timer.later(SOON, this::write);
      } catch (RejectedExecutionException _) {
        write(); // The host closes.
      }
    }
  }

  /** When it returns the copy has what was changed before. */
  void write() {
    synchronized (writing) {
      if (stale(false)) {
        try {
          file.write();
        } catch (PluginException e) {
          LOG.warn(
              "plugins/manifest.json is out of date until the next change: {}", e.getMessage());
        }
      }
    }
  }

  /** Whether it was. */
  private synchronized boolean stale(boolean now) {
    boolean was = stale;
    stale = now;
    return was;
  }
}
