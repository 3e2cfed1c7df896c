package dev.berth.server;

import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** A request under way: ends its counting and measuring together with it. */
final class Exchange implements Callback {
  private final Callback next;
  private final Response response;
  private final ServerState state;
  private final HttpMetrics metrics;
  private final long startedNanos = System.nanoTime();
  @Nullable Route route;

  Exchange(Callback next, Response response, ServerState state, HttpMetrics metrics) {
    this.next = next;
    this.response = response;
    this.state = state;
    this.metrics = metrics;
    state.enter();
  }

  @Override
  public void succeeded() {
    end(response.getStatus());
    next.succeeded();
  }

  @Override
  public void failed(Throwable failure) {
    end(HttpMetrics.ABORTED);
    next.failed(failure);
  }

  private void end(int status) {
    metrics.record(route, status, System.nanoTime() - startedNanos);
    state.leave();
  }

  @Override
  public InvocationType getInvocationType() {
    return next.getInvocationType();
  }
}
