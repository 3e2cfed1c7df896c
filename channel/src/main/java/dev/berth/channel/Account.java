package dev.berth.channel;

import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/**
 * What a worker may cost its loop's thread with what nobody asked it for, in nanoseconds of that
 * thread. The answer to a call is the host's own demand and costs nothing. All else is paid from an
 * account that fills up again at {@value #SURE_PERCENT} % of the time; who has used it up is left
 * unread for a while, so that its own writes block. Those that wait share what is left for such
 * traffic, so that many of them take little more than a few.
 *
 * <p>Of the loop's thread only, except {@link #close()}.
 */
final class Account {
  /** What it holds when it is full: more than an honest plugin says in one go. */
  static final long BURST = 100_000_000;

  /** What one that was used up must hold again before its worker is read. */
  static final long ENOUGH = 1_000_000;

  static final int SURE_PERCENT = 1;
  private static final int MOST_PERCENT = 5;
  private static final int ALL_PERCENT = 20;

  /** How long one turn goes on, so that others have theirs. */
  static final long TURN = 300_000;

  /** What the loop itself takes for a turn. */
  private static final long WAKING = 5_000;

  /** What took longer than this did so because the thread had to wait for a CPU. */
  static final long MOST_AT_ONCE = 10_000_000;

  /** Paid for each byte of a value that was asked for, which may have come in many turns. */
  private static final long ASKED_BYTE = 2;

  private static final AtomicInteger WAITING = new AtomicInteger();

  private final LongSupplier clock;
  private final AtomicBoolean waiting = new AtomicBoolean();
  private long left = BURST;
  private long filledAt;
  private long begun;
  private long mark;
  private long readAgain;
  private boolean answered;

  /**
   * @param clock as {@link System#nanoTime()}
   */
  Account(LongSupplier clock) {
    this.clock = clock;
  }

  /** A turn of this channel's begins. */
  void begin() {
    long now = clock.getAsLong();
    fill((now - filledAt) * SURE_PERCENT / 100);
    filledAt = now;
    begun = now;
    mark = now;
    answered = false;
  }

  private void fill(long nanos) {
    if (left < BURST) {
      left = Math.min(BURST, left + nanos);
    }
  }

  /** What was done since the last of these was for an answer that the host waited for. */
  void answer(int bytes) {
    mark = clock.getAsLong();
    answered = true;
    fill(ASKED_BYTE * bytes);
  }

  /**
   * What was done since the last of these was for something else.
   *
   * @param asked how many bytes of it are part of an answer
   */
  void unasked(int asked) {
    long now = clock.getAsLong();
    left -= Math.min(now - mark, MOST_AT_ONCE);
    mark = now;
    fill(ASKED_BYTE * asked);
  }

  /** The turn is over. One that brought an answer is paid for. */
  void end() {
    if (!answered) {
      unasked(0);
      left -= WAKING;
    }
  }

  /** Whether this turn has lasted, or cost, enough. */
  boolean turnIsOver() {
    return mark - begun >= TURN || isEmpty();
  }

  /** Whether it is so well filled that its worker may be read in large pieces. */
  boolean isAmple() {
    return left > BURST / 2;
  }

  boolean isEmpty() {
    return left <= 0;
  }

  /** Its worker is left unread until {@link #mayBeReadAgain()}; returns when that will be. */
  long waits() {
    waiting.set(true);
    int percent = Math.min(MOST_PERCENT, ALL_PERCENT / WAITING.incrementAndGet());
    readAgain = clock.getAsLong() + (ENOUGH - left) * 100 / Math.max(SURE_PERCENT, percent);
    return readAgain;
  }

  /** Whether its worker was left unread and the time for that is over; true once. */
  boolean mayBeReadAgain() {
    if (!waiting.get()) {
      return false;
    }
    long now = clock.getAsLong();
    if (now - readAgain < 0 || !stopsWaiting()) {
      return false;
    }
    left = ENOUGH;
    filledAt = now;
    return true;
  }

  private boolean stopsWaiting() {
    boolean was = waiting.compareAndSet(true, false);
    if (was) {
      WAITING.decrementAndGet();
    }
    return was;
  }

  boolean isWaiting() {
    return waiting.get();
  }

  /** Its channel is closed. Any thread. */
  void close() {
    boolean _ = stopsWaiting();
  }
}
