package dev.berth.server;

import dev.berth.api.LogRecord;
import dev.berth.api.PluginId;
import io.javalin.http.Context;
import io.javalin.http.HandlerType;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/** A plugin's log: a page of it, or as it grows. */
final class LogRoutes {
  private static final int PAGE = 100;
  private static final int MAX_PAGE = 10_000;
  private static final Duration HEARTBEAT = Duration.ofSeconds(5);
  private static final long MAX_WAITING = 4 << 20;

  private final ServerState state;

  LogRoutes(ServerState state) {
    this.state = state;
  }

  List<Route> routes() {
    return List.of(new Route("GET", "/api/plugins/{id}/logs", Route.Body.NONE, false, this::logs));
  }

  private void logs(Context context, Backend backend) throws Exception {
    PluginId id = Answers.plugin(context);
    // What a browser's EventSource sends on reconnecting goes before what its address says.
    String lastSeen = context.header("Last-Event-ID");
    long after =
        Bodies.number(
            lastSeen != null ? lastSeen : context.queryParam("after"),
            lastSeen != null ? "Last-Event-ID" : "after",
            0,
            0,
            Long.MAX_VALUE);
    int limit = (int) Bodies.number(context.queryParam("limit"), "limit", PAGE, 1, MAX_PAGE);
    boolean follow = "true".equals(context.queryParam("follow")) || Answers.wantsEvents(context);
    // HEAD asks for the head alone, which a stream without an end would never be done with.
    if (follow && context.method().equals(HandlerType.GET)) {
      follow(context, backend, id, after, limit);
    } else {
      Answers.json(context, Views.logs(id, backend.service().logs(id, after, limit)));
    }
  }

  /**
   * Sends what there is, then what comes. Following begins first, so that nothing falls between;
   * what comes twice is left out, and what did not fit while the client was slow is read again.
   */
  private void follow(Context context, Backend backend, PluginId id, long after, int limit)
      throws Exception {
    var queue = new EventQueue(MAX_WAITING, HEARTBEAT);
    var missed = new AtomicBoolean();
    try (AutoCloseable _ = state.onClose(() -> queue.offer(EventQueue.Event.END));
        AutoCloseable _ =
            backend
                .service()
                .followLogs(
                    id,
                    record -> {
                      if (!queue.offer(event(record))) {
                        missed.set(true);
                      }
                    },
                    () -> queue.offer(EventQueue.Event.END))) {
      List<LogRecord> sofar = backend.service().logs(id, after, limit);
      Sse sse = Sse.begin(context);
      var writer = new InOrder(sse, after);
      for (LogRecord record : sofar) {
        writer.write(event(record));
      }
      queue.drainTo(
          sse,
          event -> {
            if (missed.compareAndSet(true, false)) {
              for (LogRecord record : backend.service().logs(id, writer.last, MAX_PAGE)) {
                writer.write(event(record));
              }
            }
            writer.write(event);
          });
    }
  }

  private static EventQueue.Event event(LogRecord record) {
    Map<String, Object> view = Views.logRecord(record);
    return new EventQueue.Event("log", record.sequence(), JsonText.writeString(view), false);
  }

  /** Lets each record through once. */
  private static final class InOrder {
    private final Sse sse;
    private long last;

    InOrder(Sse sse, long after) {
      this.sse = sse;
      this.last = after;
    }

    void write(EventQueue.Event event) throws java.io.IOException {
      Long sequence = event.id();
      if (sequence != null && sequence > last) {
        last = sequence;
        sse.event(event.name(), sequence, event.json());
      }
    }
  }
}
