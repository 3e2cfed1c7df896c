package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/** A channel over a socket in a loop. Joins the parts; see each for how it works. */
final class SocketWorkerChannel implements WorkerChannel, ChannelLoop.Handler {
  /** Calls of the host's own that are let in when the plugin's callers have taken every place. */
  private static final int CONTROL_PLACES = 16;

  private static final int PIECES_AT_LEAST = 8 << 20;
  private static final Set<String> LEVELS = Set.of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL");
  private static final Set<String> SOURCES = Set.of("logging", "stdout", "stderr");

  private final SocketChannel socket;
  private final ChannelLimits limits;
  private final ChannelListener listener;
  private final Failures failures;
  private final Calls calls = new Calls();
  private final Inbound inbound = new Inbound(this::onFrame);
  private final Outbound outbound;
  private final AtomicLong dropped = new AtomicLong();
  private final int maxPieceBytes;
  private ChannelLoop.@Nullable Registration registration;
  private volatile boolean shutdownAsked;

  /** Bytes of values that are here in part, all calls together. Of the loop's thread only. */
  private long pieceBytes;

  SocketWorkerChannel(
      SocketChannel socket, ChannelLimits limits, ChannelListener listener, Failures failures) {
    this.socket = socket;
    this.limits = limits;
    this.listener = listener;
    this.failures = failures;
    this.outbound = new Outbound(socket, limits.maxQueuedBytes(), this::onBroken);
    this.maxPieceBytes =
        (int) Math.max(PIECES_AT_LEAST, Math.min(1L << 30, 2L * limits.maxResultBytes()));
  }

  void attach(ChannelLoop.Registration registration) {
    this.registration = registration;
    outbound.attach(registration);
  }

  // Asking.

  @Override
  public CompletableFuture<Json> initialize(Initialization message, Duration timeout) {
    var call = new Call.Control("initialize", timeout, this::giveUp);
    if (admit(call, limits.maxInFlight() + CONTROL_PLACES)) {
      offer(
          call,
          new HostMessage.Initialize(
              call.id, message, limits.maxContextBytes(), limits.maxResultBytes()),
          true);
    }
    return call;
  }

  @Override
  public CompletableFuture<ExecutionResult> execute(
      Json context, Duration timeout, ExecutionListener listener) {
    var call = new Call.Execute(timeout, listener, this::giveUp);
    if (!context.isObject()) {
      call.fail(failures.contextNotObject());
    } else if (context.length() > limits.maxContextBytes()) {
      call.fail(failures.contextTooLarge(context.length(), limits.maxContextBytes()));
    } else if (admit(call, limits.maxInFlight())) {
      if (context.length() <= HostMessage.Execute.MAX_CONTEXT) {
        offer(call, new HostMessage.Execute(call.id, context), false);
      } else {
        offer(call, new HostMessage.ExecuteInPieces(call.id, context), false);
      }
    }
    return call;
  }

  @Override
  public CompletableFuture<Json> health(Duration timeout) {
    var call = new Call.Control("health", timeout, this::giveUp);
    if (admit(call, limits.maxInFlight() + CONTROL_PLACES)) {
      offer(call, new HostMessage.Health(call.id), true);
    }
    return call;
  }

  @Override
  public CompletableFuture<Void> shutdown(Duration timeout) {
    var call = new Call.Control("shutdown", timeout, this::giveUp);
    if (admit(call, limits.maxInFlight() + CONTROL_PLACES)) {
      shutdownAsked = true;
      offer(call, new HostMessage.Shutdown(call.id), true);
    }
    return call.thenApply(ignored -> null);
  }

  private boolean admit(Call<?> call, int limit) {
    return switch (calls.add(call, limit)) {
      case YES -> true;
      case WAKE -> {
        loop().wakeAt(call.deadline);
        yield true;
      }
      case FULL -> {
        call.fail(failures.tooManyCalls(limits.maxInFlight()));
        yield false;
      }
      case CLOSED -> {
        PluginException why = calls.closed();
        call.fail(why == null ? failures.crashed(null) : why);
        yield false;
      }
    };
  }

  private void offer(Call<?> call, HostMessage message, boolean urgent) {
    if (!outbound.offer(message, urgent)) {
      Call<?> _ = calls.remove(call.id);
      call.fail(failures.notReading());
    }
  }

  // Giving up.

  /** Tells the worker to cancel a call whose caller has been answered, and gives it the grace. */
  private void giveUp(Call<?> call) {
    boolean execute = call instanceof Call.Execute;
    long deadline = System.nanoTime() + limits.cancelGrace().toNanos();
    Calls.Added marked = calls.abandon(call, deadline, !execute);
    if (marked == null) {
      return;
    }
    if (marked == Calls.Added.WAKE) {
      loop().wakeAt(deadline);
    }
    if (execute) {
      outbound.offer(new HostMessage.Cancel(call.id), true);
    }
  }

  @Override
  public void onTimer() {
    boolean hung = false;
    for (Call<?> call : calls.expired(System.nanoTime())) {
      if (call.abandoned) {
        hung = true;
      } else {
        Duration after = Duration.ofNanos(call.deadline - call.started);
        giveUp(call);
        call.fail(failures.timeout(call, after));
      }
    }
    Long next = calls.wakeAt();
    if (next != null) {
      loop().wakeAt(next);
    }
    if (hung) {
      listener.onUnresponsive(failures.unresponsive(limits.cancelGrace()));
    }
  }

  // Reading.

  @Override
  public void onReadable() {
    if (calls.closed() != null) {
      return;
    }
    try {
      if (!inbound.read(socket)) {
        close(ended(null));
      }
    } catch (IOException e) {
      close(ended(e));
    } catch (PluginException e) {
      close(failures.protocol(e));
    }
  }

  @Override
  public void onWritable() {
    outbound.onWritable();
  }

  /** The worker takes nothing any more. What it said before is still read. */
  private void onBroken() {
    onReadable();
    close(ended(null));
  }

  private PluginException ended(@Nullable Throwable cause) {
    return shutdownAsked ? failures.shutDown() : failures.crashed(cause);
  }

  private void onFrame(byte[] bytes, int from, int to, boolean mayKeep) {
    if (calls.closed() != null) {
      return; // By what a call's caller did when the frame before this one came.
    }
    switch (WorkerMessages.read(bytes, from, to, mayKeep)) {
      case WorkerMessage.Executed m -> onExecuted(m);
      case WorkerMessage.ExecutedChunked m -> onExecutedChunked(m);
      case WorkerMessage.Initialized m -> onInitialized(m);
      case WorkerMessage.Answered m -> onAnswered(m);
      case WorkerMessage.Failed m -> onFailed(m);
      case WorkerMessage.Progress m -> {
        Call.Execute call = running(m.id());
        if (call != null) {
          call.listener.onProgress(m.fraction(), m.message());
        }
      }
      case WorkerMessage.Partial m -> {
        Call.Execute call = running(m.id());
        if (call != null) {
          call.listener.onPartial(m.value());
        }
      }
      case WorkerMessage.Chunk m -> onChunk(m);
      case WorkerMessage.Log m -> onLog(m);
    }
  }

  private void onExecuted(WorkerMessage.Executed m) {
    Call<?> call = answered(m.id());
    if (call != null) {
      finish(execute(call, m.id()), m.value(), m.success());
    }
  }

  private void onExecutedChunked(WorkerMessage.ExecutedChunked m) {
    Call<?> call = answered(m.id());
    if (call != null) {
      finish(execute(call, m.id()), call.takePieces(m.chunks()), m.success());
    }
  }

  private void finish(Call.Execute call, Json value, boolean success) {
    if (value.length() > limits.maxResultBytes()) {
      call.fail(failures.resultTooLarge(limits.maxResultBytes()));
    } else {
      call.succeed(value, success);
    }
  }

  private void onInitialized(WorkerMessage.Initialized m) {
    Call<?> call = answered(m.id());
    if (call != null) {
      if (m.protocol() != 1) {
        throw violation("it speaks protocol " + m.protocol() + ", not 1");
      }
      control(call, m.id(), true).complete(m.toJson());
    }
  }

  private void onAnswered(WorkerMessage.Answered m) {
    Call<?> call = answered(m.id());
    if (call != null) {
      control(call, m.id(), false).complete(m.value());
    }
  }

  private void onFailed(WorkerMessage.Failed m) {
    Call<?> call = answered(m.id());
    if (call != null) {
      boolean start = call instanceof Call.Control control && control.isInitialize();
      call.fail(start ? failures.start(m) : failures.call(m));
    }
  }

  private void onChunk(WorkerMessage.Chunk m) {
    Call.Execute call = running(m.id());
    if (call == null) {
      return;
    }
    boolean tooLong = call.pieceBytes() + m.data().length > limits.maxResultBytes();
    if (tooLong || pieceBytes + m.data().length > maxPieceBytes) {
      pieceBytes -= call.pieceBytes();
      call.dropPieces();
      giveUp(call);
      call.fail(
          tooLong
              ? failures.resultTooLarge(limits.maxResultBytes())
              : failures.tooMuchAtOnce(maxPieceBytes));
    } else {
      call.addPiece(m.data());
      pieceBytes += m.data().length;
    }
  }

  private void onLog(WorkerMessage.Log m) {
    if (m.dropped() > 0) {
      listener.onLogsDropped(m.dropped());
    }
    for (WorkerMessage.Log.Entry e : m.records()) {
      String level = LEVELS.contains(e.level()) ? e.level() : "INFO";
      String source = SOURCES.contains(e.source()) ? e.source() : "logging";
      listener.onLog(e.time(), level, source, e.logger(), e.message());
    }
  }

  /** Takes out the call that an answer is for; null when nobody waits for it any more. */
  private @Nullable Call<?> answered(long id) {
    Call<?> call = calls.remove(id);
    if (call != null) {
      pieceBytes -= call.pieceBytes();
      if (!call.abandoned) {
        return call;
      }
    } else if (calls.isUnknown(id)) {
      throw violation("an answer to call " + id + ", which was never made");
    }
    dropped.incrementAndGet();
    return null;
  }

  /** The call of execute that a notification is about; null when nobody waits for it any more. */
  private Call.@Nullable Execute running(long id) {
    Call<?> call = calls.get(id);
    if (call != null && !call.abandoned) {
      return execute(call, id);
    }
    if (call == null && calls.isUnknown(id)) {
      throw violation("a message about call " + id + ", which was never made");
    }
    dropped.incrementAndGet();
    return null;
  }

  private static Call.Execute execute(Call<?> call, long id) {
    if (call instanceof Call.Execute execute) {
      return execute;
    }
    // It is out of the table already, so it must be told itself.
    PluginException why =
        violation("a message about call " + id + " of another kind than the call");
    call.fail(why);
    throw why;
  }

  private static Call.Control control(Call<?> call, long id, boolean initialize) {
    if (call instanceof Call.Control control && control.isInitialize() == initialize) {
      return control;
    }
    PluginException why = violation("an answer to call " + id + " of another kind than the call");
    call.fail(why);
    throw why;
  }

  private static PluginException violation(String what) {
    return new PluginException(ErrorCode.INVALID_JSON, what);
  }

  // Ending.

  @Override
  public int inFlight() {
    return calls.size();
  }

  @Override
  public long droppedAnswers() {
    return dropped.get();
  }

  @Override
  public void close() {
    close(failures.shutDown());
  }

  @Override
  public void close(PluginException why) {
    List<Call<?>> left = calls.close(why);
    if (left == null) {
      return;
    }
    outbound.close();
    loop().close();
    for (Call<?> call : left) {
      call.fail(why);
    }
    listener.onClosed(why);
  }

  @Override
  public void onClosed(Throwable cause) {
    close(failures.loopFailed(cause));
  }

  private ChannelLoop.Registration loop() {
    if (registration == null) {
      throw new IllegalStateException("not attached");
    }
    return registration;
  }
}
