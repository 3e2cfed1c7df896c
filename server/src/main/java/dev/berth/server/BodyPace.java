package dev.berth.server;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.util.concurrent.TimeoutException;

/** How fast a body has to come that is read on a thread of its own. Begins when it is made. */
final class BodyPace {
  private final ServerSettings settings;
  private final long started = System.nanoTime();

  BodyPace(ServerSettings settings) {
    this.settings = settings;
  }

  /**
   * To be called after each piece.
   *
   * @param total bytes so far
   * @throws PluginException {@code request_timeout}
   */
  void check(long total) {
    if ((System.nanoTime() - started) / 1_000_000 > settings.bodyMillis(total)) {
      throw Bodies.failure(new IOException(new TimeoutException()));
    }
  }
}
