package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import dev.berth.channel.ChannelListener;
import dev.berth.channel.Initialization;
import dev.berth.channel.WorkerChannel;
import dev.berth.sandbox.ResourceUsage;
import dev.berth.sandbox.SandboxProcess;
import dev.berth.sandbox.SandboxSpec;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingQueue;

/** A worker without a process: the test says what it answers and when it dies. */
final class FakeWorker implements SandboxProcess, WorkerChannel {
  /** A call it was given. */
  record Given(Json context, Duration timeout, CompletableFuture<ExecutionResult> answer) {
    void answer(String json) {
      answer.complete(new ExecutionResult.Succeeded(Json.of(json), true, Duration.ofMillis(1)));
    }
  }

  final SandboxSpec spec;
  final SocketChannel output;
  final CompletableFuture<SandboxExit> exited = new CompletableFuture<>();
  final CompletableFuture<Json> initialized = new CompletableFuture<>();
  final CompletableFuture<Void> shutDown = new CompletableFuture<>();
  final LinkedBlockingQueue<Given> calls = new LinkedBlockingQueue<>();
  final List<Given> all = new CopyOnWriteArrayList<>();
  final LinkedBlockingQueue<CompletableFuture<Json>> healthChecks = new LinkedBlockingQueue<>();

  /** Done when a call is given to it, by whoever gives it. */
  volatile Runnable onCall = () -> {};

  /** Done when it has a call, by whoever gave it. */
  volatile Runnable onGiven = () -> {};

  /** What it answers every call with, at once; null when the test answers. */
  volatile String auto;

  volatile boolean exitsOnShutdown = true;
  volatile String failure;
  volatile boolean exitsOnKill = true;
  volatile ChannelListener listener;
  volatile Initialization initialization;
  private volatile PluginException closed;
  private volatile boolean silent;

  FakeWorker(SandboxSpec spec, SocketChannel output) {
    this.spec = spec;
    this.output = output;
  }

  /** Its socket ends, and then the process. */
  void crash(SandboxExit exit) {
    endSocket();
    exited.complete(exit);
  }

  void endSocket() {
    end(new PluginException(ErrorCode.PLUGIN_CRASHED, "the socket ended"));
  }

  /**
   * The conversation begins. A worker may have been killed before; then its end is told at once.
   */
  void listen(ChannelListener to) {
    PluginException ended;
    synchronized (this) {
      listener = to;
      ended = closed;
    }
    if (ended != null) {
      to.onClosed(ended);
    }
  }

  private void end(PluginException why) {
    ChannelListener told;
    synchronized (this) {
      if (closed != null) {
        return;
      }
      closed = why;
      told = listener;
    }
    initialized.completeExceptionally(why);
    for (Given call : all) {
      call.answer().complete(new ExecutionResult.Failed(why, Duration.ZERO));
    }
    if (told != null) {
      told.onClosed(why);
    }
  }

  @Override
  public SocketChannel channel() {
    return output;
  }

  @Override
  public SocketChannel output() {
    return output;
  }

  @Override
  public long pid() {
    return 1;
  }

  @Override
  public CompletableFuture<SandboxExit> exited() {
    return exited;
  }

  @Override
  public void kill() {
    if (exitsOnKill) {
      exited.complete(new SandboxExit.Killed(9));
      endSocket();
    }
  }

  /** It was told to cancel a call, and says something or not. */
  void silent(boolean now) {
    silent = now;
    listener.onSilence();
  }

  @Override
  public boolean isSilent() {
    return silent;
  }

  @Override
  public String failure() {
    return failure;
  }

  @Override
  public ResourceUsage usage() {
    return ResourceUsage.NONE;
  }

  @Override
  public long cpuNanos() {
    return 0;
  }

  @Override
  public CompletableFuture<Json> initialize(Initialization message, Duration timeout) {
    initialization = message;
    return initialized;
  }

  @Override
  public CompletableFuture<ExecutionResult> execute(
      Json context, Duration timeout, ExecutionListener progress) {
    onCall.run();
    var call = new Given(context, timeout, new CompletableFuture<>());
    if (closed != null) {
      return null;
    }
    if (auto != null) {
      call.answer(auto);
    } else {
      all.add(call);
      calls.add(call);
      onGiven.run();
    }
    return call.answer();
  }

  @Override
  public CompletableFuture<Json> health(Duration timeout) {
    var answer = new CompletableFuture<Json>();
    healthChecks.add(answer);
    return answer;
  }

  @Override
  public CompletableFuture<Void> shutdown(Duration timeout, PluginException cut) {
    shutDown.complete(null);
    if (exitsOnShutdown) {
      exited.complete(new SandboxExit.Exited(0));
      end(cut);
      return CompletableFuture.completedFuture(null);
    }
    return new CompletableFuture<Void>()
        .orTimeout(timeout.toMillis(), java.util.concurrent.TimeUnit.MILLISECONDS);
  }

  @Override
  public int inFlight() {
    return (int) all.stream().filter(call -> !call.answer().isDone()).count();
  }

  @Override
  public long droppedAnswers() {
    return 0;
  }

  @Override
  public void close(PluginException why) {
    end(why);
  }

  @Override
  public void close() {
    end(new PluginException(ErrorCode.SHUTTING_DOWN, "closed"));
  }
}
