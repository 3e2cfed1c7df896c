package dev.berth.channel;

import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A channel over a socket in a loop. Joins the parts; see each for how it works. */
final class SocketWorkerChannel implements WorkerChannel, ChannelLoop.Handler {
  /** Calls of the host's own that are let in when the plugin's callers have taken every place. */
  private static final int CONTROL_PLACES = 16;

  /** How often a worker that takes nothing any more is read before its channel is closed. */
  private static final int LAST_TURNS = 4;

  private final SocketChannel socket;
  private final ChannelLimits limits;
  private final ChannelListener listener;
  private final Failures failures;
  private final Calls calls = new Calls();
  private final Account account = new Account(System::nanoTime);
  private final Reception reception;
  private final Inbound inbound;
  private final Outbound outbound;
  private ChannelLoop.@Nullable Registration registration;
  private volatile @Nullable PluginException cut;
  private volatile boolean silent;

  // Of the loop's thread only.
  private long watched;
  private long watchedUntil;

  SocketWorkerChannel(
      SocketChannel socket, ChannelLimits limits, ChannelListener listener, Failures failures) {
    this.socket = socket;
    this.limits = limits;
    this.listener = listener;
    this.failures = failures;
    this.reception = new Reception(calls, limits, listener, failures, this::giveUp, account);
    this.inbound = new Inbound(reception, account);
    this.outbound = new Outbound(socket, limits.maxQueuedBytes(), this::onBroken);
  }

  void attach(ChannelLoop.Registration registration) {
    this.registration = registration;
    outbound.attach(registration);
  }

  // Asking.

  @Override
  public CompletableFuture<Json> initialize(Initialization message, Duration timeout) {
    var call = new Call.Control("initialize", timeout, this::giveUp);
    if (admit(call, limits.maxInFlight() + CONTROL_PLACES).isIn()) {
      offer(
          call,
          new HostMessage.Initialize(
              call.id, message, limits.maxContextBytes(), limits.maxResultBytes()),
          true);
    }
    return call;
  }

  @Override
  public @Nullable CompletableFuture<ExecutionResult> execute(
      Json context, Duration timeout, ExecutionListener listener) {
    var call = new Call.Execute(timeout, listener, this::giveUp);
    if (!context.isObject()) {
      call.fail(failures.contextNotObject());
    } else if (context.length() > limits.maxContextBytes()) {
      call.fail(failures.contextTooLarge(context.length(), limits.maxContextBytes()));
    } else {
      switch (admit(call, limits.maxInFlight())) {
        case YES, WAKE -> offer(call, message(call.id, context), false);
        case FULL -> {}
        case CLOSED -> {
          return null;
        }
      }
    }
    return call;
  }

  private static HostMessage message(long id, Json context) {
    return context.length() <= HostMessage.Execute.MAX_CONTEXT
        ? new HostMessage.Execute(id, context)
        : new HostMessage.ExecuteInPieces(id, context);
  }

  @Override
  public CompletableFuture<Json> health(Duration timeout) {
    var call = new Call.Control("health", timeout, this::giveUp);
    if (admit(call, limits.maxInFlight() + CONTROL_PLACES).isIn()) {
      offer(call, new HostMessage.Health(call.id), true);
    }
    return call;
  }

  @Override
  public CompletableFuture<Void> shutdown(Duration timeout, PluginException cut) {
    var call = new Call.Control("shutdown", timeout, this::giveUp);
    if (admit(call, limits.maxInFlight() + CONTROL_PLACES).isIn()) {
      this.cut = cut;
      offer(call, new HostMessage.Shutdown(call.id), true);
    }
    return call.thenApply(ignored -> null);
  }

  /** Takes it in, or has it failed. */
  private Calls.Added admit(Call<?> call, int limit) {
    Calls.Added added = calls.add(call, limit);
    switch (added) {
      case YES -> {}
      case WAKE -> loop().wakeAt(call.deadline);
      case FULL -> call.fail(failures.tooManyCalls(limits.maxInFlight()));
      case CLOSED -> {
        PluginException why = calls.closed();
        call.fail(why == null ? failures.crashed(null) : why);
      }
    }
    return added;
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
      silent = true; // Before it is told, or its answer could be quicker.
      outbound.offer(new HostMessage.Cancel(call.id), true);
      listener.onSilence();
    }
  }

  @Override
  public void onTimer() {
    List<Call<?>> expired = calls.expired(System.nanoTime());
    if (expired != null) {
      Long next = calls.wakeAt();
      if (next != null) {
        loop().wakeAt(next);
      }
      onExpired(expired);
    }
    checkWatched();
    if (account.mayBeReadAgain()) {
      loop().startReading();
    }
  }

  private void onExpired(List<Call<?>> expired) {
    boolean hung = false;
    for (Call<?> call : expired) {
      if (call.abandoned) {
        hung = true;
      } else {
        Duration after = Duration.ofNanos(call.deadline - call.started);
        giveUp(call);
        PluginException why = failures.timeout(call, after);
        if (call instanceof Call.Execute) {
          listener.onFault(failures.fault(why));
        }
        call.fail(why);
      }
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
        return;
      }
      if (watched == 0 && inbound.unfinished() != 0) {
        watch();
      }
      if (silent) {
        silent = false;
        listener.onSilence();
      }
      if (account.isEmpty() && !account.isWaiting()) {
        pause();
      }
    } catch (IOException e) {
      close(ended(e));
    } catch (PluginException e) {
      close(failures.protocol(e));
    }
  }

  /** Leaves the worker unread until it has paid for what it has said. */
  private void pause() {
    loop().stopReading();
    loop().wakeAt(account.waits());
    if (calls.closed() != null) {
      account.close(); // Closed in between, by another thread.
    }
  }

  /** Looks after the patience whether the frame that is here in part still is. */
  private void watch() {
    watched = inbound.unfinished();
    if (watched != 0) {
      watchedUntil = System.nanoTime() + limits.framePatience().toNanos();
      loop().wakeAt(watchedUntil);
    }
  }

  private void checkWatched() {
    if (watched != 0 && System.nanoTime() - watchedUntil >= 0) {
      if (watched == inbound.unfinished()) {
        close(failures.slowFrame(limits.framePatience()));
      } else {
        watch();
      }
    }
  }

  @Override
  public void onWritable() {
    outbound.onWritable();
  }

  /** The worker takes nothing any more. What it said before is still read. */
  private void onBroken() {
    for (int i = 0; i < LAST_TURNS && calls.closed() == null; i++) {
      onReadable();
    }
    close(ended(null));
  }

  private PluginException ended(@Nullable Throwable cause) {
    PluginException asked = cut;
    return asked != null ? asked : failures.crashed(cause);
  }

  // Ending.

  @Override
  public boolean isSilent() {
    return silent;
  }

  @Override
  public int inFlight() {
    return calls.size();
  }

  @Override
  public long droppedAnswers() {
    return reception.dropped();
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
    account.close();
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
