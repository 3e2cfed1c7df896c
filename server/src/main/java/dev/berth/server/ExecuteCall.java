package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginService;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.BiConsumer;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.PreEncodedHttpField;
import org.eclipse.jetty.io.EofException;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One call to a plugin over HTTP, from its body to its answer. No step of it blocks. */
final class ExecuteCall
    implements BodyReader.Receiver, BiConsumer<@Nullable ExecutionResult, @Nullable Throwable> {
  private static final Logger LOG = LoggerFactory.getLogger(ExecuteCall.class);
  private static final PreEncodedHttpField JSON =
      new PreEncodedHttpField(HttpHeader.CONTENT_TYPE, "application/json");

  private final Request request;
  private final Response response;
  private final Exchange exchange;
  private final PluginId plugin;
  private final PluginService service;
  private @Nullable CompletableFuture<ExecutionResult> future;
  private @Nullable ClientWatch watch;

  ExecuteCall(
      Request request,
      Response response,
      Exchange exchange,
      PluginId plugin,
      PluginService service) {
    this.request = request;
    this.response = response;
    this.exchange = exchange;
    this.plugin = plugin;
    this.service = service;
  }

  @Override
  public void onBody(byte[] bytes, int length) {
    CompletableFuture<ExecutionResult> answer;
    try {
      ExecuteEnvelope envelope = ExecuteEnvelope.read(bytes, length);
      answer =
          service.executeAsync(
              new ExecutionRequest(
                  plugin, envelope.context(), envelope.timeout(), ExecutionListener.NONE));
    } catch (PluginException e) {
      onBodyFailed(e);
      return;
    } catch (RuntimeException e) {
      // Where the body came after its head, nobody above would answer.
      LOG.error("a call to {} failed", plugin, e);
      onBodyFailed(new PluginException(ErrorCode.INTERNAL, String.valueOf(e), e));
      return;
    }
    if (!answer.isDone()) {
      future = answer;
      watch =
          ClientWatch.start(
              request.getConnectionMetaData().getConnection(), () -> answer.cancel(true));
    }
    var _ = answer.whenComplete(this);
  }

  @Override
  public void onBodyFailed(PluginException why) {
    Problem.of(why).send(response, exchange);
  }

  /** The plugin has answered, or it has been given up. */
  @Override
  public void accept(@Nullable ExecutionResult result, @Nullable Throwable failure) {
    if (watch == null) {
      answer(result, failure);
    } else {
      watch.end(() -> answer(result, failure));
    }
  }

  private void answer(@Nullable ExecutionResult result, @Nullable Throwable failure) {
    try {
      write(result, failure);
    } catch (RuntimeException e) {
      // Nobody else would hear of it, and the client would wait for ever.
      exchange.failed(e);
    }
  }

  private void write(@Nullable ExecutionResult result, @Nullable Throwable failure) {
    if (result == null) {
      if (failure instanceof CancellationException && future != null && future.isCancelled()) {
        exchange.failed(new EofException("the client has gone"));
        return;
      }
      PluginException error =
          failure instanceof PluginException known
              ? known
              : new PluginException(ErrorCode.INTERNAL, String.valueOf(failure), failure);
      logIfInternal(error);
      Problem.of(error).send(response, exchange);
      return;
    }
    switch (result) {
      case ExecutionResult.Succeeded ok -> {
        response.getHeaders().add(JSON);
        response.write(true, ExecuteAnswer.of(ok), exchange);
      }
      case ExecutionResult.Failed failed -> {
        logIfInternal(failed.error());
        Problem.of(failed.error())
            .with("execution_time", failed.elapsed().toNanos() / 1e9)
            .send(response, exchange);
      }
      case ExecutionResult.Denied denied -> Problem.denied(denied).send(response, exchange);
    }
  }

  /** The client is told nothing of what went wrong inside, so the log must be. */
  private void logIfInternal(PluginException error) {
    if (error.code() == ErrorCode.INTERNAL) {
      LOG.error("a call to {} failed", plugin, error);
    }
  }
}
