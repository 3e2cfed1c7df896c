package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import io.javalin.http.Context;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers as an event stream: {@code progress} and {@code partial} while the work goes on, then one
 * {@code result} or {@code error}. What was wrong with the request itself is still an HTTP error.
 */
final class ProgressStream {
  private static final Logger LOG = LoggerFactory.getLogger(ProgressStream.class);

  /** Progress that doesn't fit is left out; a part of a result that doesn't fit ends the call. */
  private static final long MAX_WAITING = 4 << 20;

  /** A call whose reader has gone is cancelled after one or two of these. */
  private static final Duration HEARTBEAT = Duration.ofSeconds(1);

  private final ServerSettings settings;
  private final Executor blocking;

  ProgressStream(ServerSettings settings, Executor blocking) {
    this.settings = settings;
    this.blocking = blocking;
  }

  /** Runs long work. It goes on to its end even when the client leaves: it changes things. */
  void run(Context context, PluginRoutes.Work work) throws IOException, InterruptedException {
    var queue = new EventQueue(MAX_WAITING, HEARTBEAT);
    var done = new CompletableFuture<Void>();
    blocking.execute(() -> {
      try {
        Map<String, Object> result = work.run((step, message) -> queue.offer(step(step, message)));
        queue.offer(new EventQueue.Event("result", null, JsonText.writeString(result), true));
      } catch (RuntimeException e) {
        queue.offer(error(e));
      } finally {
        done.complete(null);
      }
    });
    try {
      queue.drainTo(Sse.begin(context));
    } finally {
      done.join();
    }
  }

  private static EventQueue.Event step(String step, String message) {
    var view = new LinkedHashMap<String, Object>();
    view.put("step", step);
    view.put("message", message);
    return new EventQueue.Event("progress", null, JsonText.writeString(view), false);
  }

  /** {@code POST /api/plugins/{id}/execute} with {@code Accept: text/event-stream}. */
  void execute(Context context, Backend backend) throws IOException, InterruptedException {
    Json body = Bodies.json(context, settings);
    byte[] bytes = body.toByteArray();
    ExecuteEnvelope envelope = ExecuteEnvelope.read(bytes, bytes.length);
    var queue = new EventQueue(MAX_WAITING, HEARTBEAT);
    var listener = new Listener(queue);
    CompletableFuture<ExecutionResult> call =
        backend
            .service()
            .executeAsync(
                new ExecutionRequest(
                    Answers.plugin(context), envelope.context(), envelope.timeout(), listener));
    listener.call.set(call);
    var _ = call.whenComplete((result, failure) -> queue.offer(listener.end(result, failure)));
    try {
      queue.drainTo(Sse.begin(context));
    } finally {
      // Nobody is there to read it any more, unless it has ended already.
      call.cancel(true);
    }
  }

  private static EventQueue.Event error(Throwable failure) {
    if (failure instanceof PluginException known) {
      return new EventQueue.Event("error", null, Problem.of(known).toJsonString(), true);
    }
    if (failure instanceof CancellationException) { // By ourselves, when nobody reads any more.
      LOG.debug("an event stream's client has gone");
      return error(new PluginException(ErrorCode.CANCELLED, "The call was cancelled.", failure));
    }
    LOG.error("an event stream failed", failure);
    return error(new PluginException(ErrorCode.INTERNAL, String.valueOf(failure), failure));
  }

  private static final class Listener implements ExecutionListener {
    private final EventQueue queue;
    private final AtomicReference<@Nullable CompletableFuture<ExecutionResult>> call =
        new AtomicReference<>();
    private volatile boolean tooSlow;

    Listener(EventQueue queue) {
      this.queue = queue;
    }

    @Override
    public void onProgress(@Nullable Double fraction, String message) {
      var view = new LinkedHashMap<String, Object>();
      view.put("fraction", fraction);
      view.put("message", message);
      queue.offer(new EventQueue.Event("progress", null, JsonText.writeString(view), false));
    }

    @Override
    public void onPartial(Json value) {
      String json = JsonText.writeString(Map.of("value", JsonText.raw(value)));
      if (!queue.offer(new EventQueue.Event("partial", null, json, false))) {
        tooSlow = true;
        CompletableFuture<ExecutionResult> running = call.get();
        if (running != null) {
          running.cancel(true);
        }
      }
    }

    EventQueue.Event end(@Nullable ExecutionResult result, @Nullable Throwable failure) {
      if (tooSlow) {
        return error(
            new PluginException(
                ErrorCode.CANCELLED,
                "The call was ended because its parts came faster than they were read."));
      }
      if (result == null) {
        return error(
            failure == null ? new IllegalStateException("a call ended with nothing") : failure);
      }
      return switch (result) {
        case ExecutionResult.Succeeded ok -> {
          String json = StandardCharsets.UTF_8.decode(ExecuteAnswer.of(ok)).toString();
          yield new EventQueue.Event("result", null, json, true);
        }
        case ExecutionResult.Failed failed ->
            new EventQueue.Event(
                "error",
                null,
                Problem.of(failed.error())
                    .with("execution_time", failed.elapsed().toNanos() / 1e9)
                    .toJsonString(),
                true);
        case ExecutionResult.Denied denied ->
            new EventQueue.Event("error", null, Problem.denied(denied).toJsonString(), true);
      };
    }
  }
}
