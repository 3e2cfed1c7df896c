package dev.berth.server;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.eclipse.jetty.io.Connection;
import org.eclipse.jetty.io.EndPoint;
import org.eclipse.jetty.server.ServerConnector;

/**
 * Ends connections that hold the head of a request back: one that sends a byte now and then is
 * never idle, and Jetty has no limit for how long a head may take. A connection is closed when
 * bytes have come since its last complete request, and no request for as long as an idle one may
 * be.
 */
final class SlowClients implements AutoCloseable {
  /** What was seen of a connection, and since when it has been so. */
  private record Seen(long messages, long bytesAtMessage, long sinceNanos) {}

  private final ServerConnector connector;
  private final long limitNanos;
  private final ScheduledExecutorService timer =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("berth-slow-clients").factory());
  private Map<EndPoint, Seen> seen = new HashMap<>();

  SlowClients(ServerConnector connector, Duration limit) {
    this.connector = connector;
    this.limitNanos = limit.toNanos();
    long period = Math.max(50, limit.toMillis() / 10);
    var _ = timer.scheduleWithFixedDelay(this::look, period, period, TimeUnit.MILLISECONDS);
  }

  private void look() {
    long now = System.nanoTime();
    var next = new HashMap<EndPoint, Seen>();
    for (EndPoint endPoint : connector.getConnectedEndPoints()) {
      Connection connection = endPoint.getConnection();
      if (connection == null) {
        continue;
      }
      long messages = connection.getMessagesIn();
      long bytes = connection.getBytesIn();
      Seen before = seen.get(endPoint);
      if (before == null) {
        before = new Seen(messages, messages == 0 ? 0 : bytes, now);
      } else if (before.messages() != messages) {
        before = new Seen(messages, bytes, now);
      } else if (connection.getMessagesOut() < messages) {
        // A request is under way: what comes now is its body, which has limits of its own.
        before = new Seen(messages, bytes, now);
      }
      boolean headBegun = bytes > before.bytesAtMessage() || messages == 0;
      if (!headBegun) {
        before = new Seen(messages, bytes, now);
      } else if (now - before.sinceNanos() > limitNanos) {
        endPoint.close();
        continue;
      }
      next.put(endPoint, before);
    }
    seen = next;
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
