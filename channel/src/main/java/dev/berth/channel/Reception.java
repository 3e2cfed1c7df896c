package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes what a worker says and gives it to whom it is for. A message is checked against its call
 * before the call is taken out of the table, so that a call is never lost to a message that ends
 * the channel. Runs on the loop's thread.
 */
final class Reception implements Inbound.Sink {
  private static final int PIECES_AT_LEAST = 8 << 20;

  /** In a second, about calls that the worker has answered: a task that was left running may. */
  private static final int STRAYS = 1000;

  private static final Set<String> LEVELS = Set.of("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL");
  private static final Set<String> SOURCES = Set.of("logging", "stdout", "stderr");

  private final Calls calls;
  private final ChannelLimits limits;
  private final ChannelListener listener;
  private final Failures failures;
  private final Consumer<Call<?>> giveUp;
  private final Account account;
  private final int maxPieceBytes;
  private final AtomicLong dropped = new AtomicLong();

  /** Bytes of values that are here in part, all calls together. */
  private long pieceBytes;

  /** Whether the message at hand answers a call, and how many bytes of a value it brings. */
  private boolean answers;

  private int piece;

  private long straysSince;
  private int strays;

  /**
   * @param giveUp tells the worker to cancel a call
   * @param account pays for what the worker was not asked for
   */
  Reception(
      Calls calls,
      ChannelLimits limits,
      ChannelListener listener,
      Failures failures,
      Consumer<Call<?>> giveUp,
      Account account) {
    this.calls = calls;
    this.limits = limits;
    this.listener = listener;
    this.failures = failures;
    this.giveUp = giveUp;
    this.account = account;
    this.maxPieceBytes =
        (int) Math.max(PIECES_AT_LEAST, Math.min(1L << 30, 2L * limits.maxResultBytes()));
  }

  /** Messages about calls that nobody waited for any more. */
  long dropped() {
    return dropped.get();
  }

  /**
   * @throws PluginException {@code invalid_json}: the worker broke the protocol
   */
  @Override
  public void onFrame(byte[] bytes, int from, int to, boolean mayKeep) {
    if (calls.closed() != null) {
      return; // By what a call's caller did when the frame before this one came.
    }
    answers = false;
    piece = 0;
    take(WorkerMessages.read(bytes, from, to, mayKeep));
    if (answers) {
      account.answer(to - from);
    } else {
      account.unasked(piece);
    }
  }

  private void take(WorkerMessage message) {
    switch (message) {
      case WorkerMessage.Executed(long id, boolean success, Json value) -> {
        Call.Execute call = execute(id);
        if (call != null) {
          remove(call);
          finish(call, value, success);
        }
      }
      case WorkerMessage.ExecutedChunked(long id, boolean success, int chunks) -> {
        Call.Execute call = execute(id);
        if (call != null) {
          int length = call.pieceBytes();
          Json value = call.takePieces(chunks);
          pieceBytes -= length;
          remove(call);
          finish(call, value, success);
        }
      }
      case WorkerMessage.Initialized m -> {
        Call.Control call = control(m.id(), true);
        if (call != null) {
          if (m.protocol() != 1) {
            throw violation("it speaks protocol " + m.protocol() + ", not 1");
          }
          remove(call);
          call.complete(m.toJson());
        }
      }
      case WorkerMessage.Answered(long id, Json value) -> {
        Call.Control call = control(id, false);
        if (call != null) {
          remove(call);
          call.complete(value);
        }
      }
      case WorkerMessage.Failed m -> {
        Call<?> call = awaited(m.id(), true);
        if (call != null) {
          remove(call);
          PluginException why =
              switch (call) {
                case Call.Execute _ -> failures.call(m);
                case Call.Control control ->
                    control.isInitialize() ? failures.start(m) : failures.control(m);
              };
          listener.onFault(Fault.of(why.code(), m));
          call.fail(why);
        }
      }
      case WorkerMessage.Cancelling(long id) -> onCancelling(id);
      case WorkerMessage.Progress m -> {
        Call.Execute call = running(m.id());
        if (call != null) {
          call.listener.onProgress(m.fraction(), m.message());
        }
      }
      case WorkerMessage.Partial(long id, Json value) -> {
        Call.Execute call = running(id);
        if (call != null) {
          call.listener.onPartial(value);
        }
      }
      case WorkerMessage.Chunk(long id, byte[] data) -> {
        Call.Execute call = running(id);
        if (call != null) {
          onPiece(call, data);
        }
      }
      case WorkerMessage.Log m -> onLog(m);
    }
  }

  /** Said once of a call that it was told to cancel and has not answered. */
  private void onCancelling(long id) {
    if (calls.isUnknown(id)) {
      throw neverMade(id);
    }
    if (calls.get(id) instanceof Call.Execute call && call.abandoned && !call.cancelling) {
      call.cancelling = true;
    } else {
      throw violation("it says of call " + id + " that it is cancelling, unasked or again");
    }
  }

  private void finish(Call.Execute call, Json value, boolean success) {
    if (value.length() > limits.maxResultBytes()) {
      failTooLarge(call);
    } else {
      call.succeed(value, success);
    }
  }

  private void onPiece(Call.Execute call, byte[] data) {
    boolean tooLong = call.pieceBytes() + data.length > limits.maxResultBytes();
    if (!tooLong && pieceBytes + data.length <= maxPieceBytes) {
      call.addPiece(data);
      pieceBytes += data.length;
      piece = data.length;
      return;
    }
    forgetPieces(call);
    giveUp.accept(call);
    if (tooLong) {
      failTooLarge(call);
    } else {
      call.fail(failures.tooMuchAtOnce(maxPieceBytes));
    }
  }

  private void failTooLarge(Call.Execute call) {
    PluginException why = failures.resultTooLarge(limits.maxResultBytes());
    listener.onFault(failures.fault(why));
    call.fail(why);
  }

  private void forgetPieces(Call<?> call) {
    pieceBytes -= call.pieceBytes();
    call.dropPieces();
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

  // Whose message it is.

  private Call.@Nullable Execute execute(long id) {
    return asExecute(awaited(id, true), id);
  }

  private Call.@Nullable Execute running(long id) {
    return asExecute(awaited(id, false), id);
  }

  private static Call.@Nullable Execute asExecute(@Nullable Call<?> call, long id) {
    if (call == null || call instanceof Call.Execute) {
      return (Call.Execute) call;
    }
    throw violation("a message about call " + id + ", which is of another kind");
  }

  private Call.@Nullable Control control(long id, boolean initialize) {
    Call<?> call = awaited(id, true);
    if (call == null) {
      return null;
    }
    if (call instanceof Call.Control control && control.isInitialize() == initialize) {
      return control;
    }
    throw violation("a message about call " + id + ", which is of another kind");
  }

  /**
   * The call with that id; null when nobody waits for it any more, in which case the message counts
   * as dropped, and the call is over if this was its answer.
   */
  private @Nullable Call<?> awaited(long id, boolean isAnswer) {
    Call<?> call = calls.get(id);
    if (call != null && !call.abandoned) {
      return call;
    }
    if (call == null && calls.isUnknown(id)) {
      throw neverMade(id);
    }
    dropped.incrementAndGet();
    if (call == null) {
      countStray();
    } else if (isAnswer) {
      remove(call);
    }
    return null;
  }

  private void countStray() {
    long now = System.nanoTime();
    if (strays == 0 || now - straysSince > 1_000_000_000) {
      straysSince = now;
      strays = 0;
    }
    if (++strays > STRAYS) {
      throw violation("more than " + STRAYS + " messages in a second about calls it has answered");
    }
  }

  private void remove(Call<?> call) {
    answers = true;
    if (call.pieceBytes() > 0) {
      forgetPieces(call);
    }
    Call<?> _ = calls.remove(call.id);
  }

  private static PluginException neverMade(long id) {
    return violation("a message about call " + id + ", which was never made");
  }

  private static PluginException violation(String what) {
    return new PluginException(ErrorCode.INVALID_JSON, what);
  }
}
