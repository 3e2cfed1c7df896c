package dev.berth.server;

import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;
import org.jspecify.annotations.Nullable;

/** A request under way: ends its counting and measuring together with it. */
final class Exchange implements Callback {
  private final Callback next;
  private final Request request;
  private final Response response;
  private final ServerState state;
  private final HttpMetrics metrics;
  @Nullable Route route;

  Exchange(
      Callback next, Request request, Response response, ServerState state, HttpMetrics metrics) {
    this.next = next;
    this.request = request;
    this.response = response;
    this.state = state;
    this.metrics = metrics;
    state.enter();
  }

  @Override
  public void succeeded() {
    int status = response.getStatus();
    end(status);
    // A client that asks before it sends (Expect: 100-continue) sends nothing now.
    if (status >= 400
        && request.getLength() != 0
        && !request.getHeaders().contains(HttpHeader.EXPECT)) {
      new Drainer(request, next::succeeded).run();
    } else {
      next.succeeded();
    }
  }

  @Override
  public void failed(Throwable failure) {
    end(HttpMetrics.ABORTED);
    next.failed(failure);
  }

  private void end(int status) {
    metrics.record(route, status, System.nanoTime() - request.getHeadersNanoTime());
    state.leave();
  }

  @Override
  public InvocationType getInvocationType() {
    return InvocationType.NON_BLOCKING;
  }
}
