package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;

/**
 * A request on its way: the future its caller holds, and what the channel knows of it. The fields
 * are {@link Calls}' to change; the pieces belong to the loop's thread.
 */
abstract sealed class Call<T> extends CompletableFuture<T> {
  /** Its caller has been answered already; the worker has not answered yet. */
  boolean abandoned;

  /** The worker has said that it goes on for now. Of the loop's thread. */
  boolean cancelling;

  long id;

  /** By {@link System#nanoTime()}; meaningless when {@code patient}. */
  long deadline;

  /** Whether it may take however long it likes. */
  boolean patient;

  final long started = System.nanoTime();
  private final Consumer<Call<?>> onCancel;
  private byte[] pieces = {};
  private int length;
  private int count;

  Call(Duration timeout, Consumer<Call<?>> onCancel) {
    this.deadline = started + nanos(timeout);
    this.onCancel = onCancel;
  }

  /** Completes it as failed; does nothing when it is over already. */
  abstract void fail(PluginException why);

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    boolean done = super.cancel(mayInterruptIfRunning);
    if (done) {
      onCancel.accept(this);
    }
    return done;
  }

  /** How many bytes of its value have come in pieces. */
  final int pieceBytes() {
    return length;
  }

  final void addPiece(byte[] data) {
    if (length + data.length > pieces.length) {
      pieces = Arrays.copyOf(pieces, Math.max(length + data.length, pieces.length * 2));
    }
    System.arraycopy(data, 0, pieces, length, data.length);
    length += data.length;
    count++;
  }

  /**
   * The value that the pieces make.
   *
   * @throws PluginException {@code invalid_json}
   */
  final Json takePieces(int expected) {
    if (count != expected) {
      throw new PluginException(
          ErrorCode.INVALID_JSON, expected + " pieces were announced and " + count + " came");
    }
    Json value = Json.of(pieces, 0, length);
    dropPieces();
    return value;
  }

  final void dropPieces() {
    pieces = new byte[0];
    length = 0;
    count = 0;
  }

  private static long nanos(Duration timeout) {
    // A century is as good as for ever, and leaves room for comparing by difference.
    long most = Duration.ofDays(36_500).toNanos();
    return timeout.compareTo(Duration.ofDays(36_500)) > 0 ? most : Math.max(0, timeout.toNanos());
  }

  /** A call of {@code execute}. */
  static final class Execute extends Call<ExecutionResult> {
    final ExecutionListener listener;

    Execute(Duration timeout, ExecutionListener listener, Consumer<Call<?>> onCancel) {
      super(timeout, onCancel);
      this.listener = listener;
    }

    void succeed(Json value, boolean success) {
      complete(new ExecutionResult.Succeeded(value, success, elapsed()));
    }

    @Override
    void fail(PluginException why) {
      complete(new ExecutionResult.Failed(why, elapsed()));
    }

    private Duration elapsed() {
      return Duration.ofNanos(System.nanoTime() - started);
    }
  }

  /** A call of another method of the plugin's. */
  static final class Control extends Call<Json> {
    final String method;

    Control(String method, Duration timeout, Consumer<Call<?>> onCancel) {
      super(timeout, onCancel);
      this.method = method;
    }

    boolean isInitialize() {
      return method.equals("initialize");
    }

    @Override
    void fail(PluginException why) {
      completeExceptionally(why);
    }
  }
}
