package dev.berth.host.lifecycle;

import dev.berth.api.LogRecord;
import dev.berth.api.Text;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a plugin said, and what the host has to say of it. Bounded in memory, on disk and in rate;
 * secrets blotted out, control characters escaped. No method that a worker's socket leads to waits
 * for the disk: records are written behind, by one background task at a time.
 */
final class PluginLog {
  static final int RING_RECORDS = 2000;
  static final int RING_CHARS = 1 << 20;
  static final int MESSAGE_CHARS = 16 << 10;
  private static final int LOGGER_CHARS = 200;
  private static final int PENDING = 4096;
  private static final Logger LOG = LoggerFactory.getLogger(PluginLog.class);

  private final LogFile file;
  private final Executor background;
  private final Timer timer;
  private final Clock clock;
  private final LogRate rate;
  private final List<LogFollower> followers = new CopyOnWriteArrayList<>();
  private volatile Redactor redactor = Redactor.NONE;

  // Guarded by this.
  private final ArrayDeque<LogRecord> ring = new ArrayDeque<>();
  private List<LogRecord> pending = new ArrayList<>();
  private int ringChars;
  private long sequence;
  private boolean opened;
  private boolean deleted;
  private boolean writing;
  private boolean truncationDue;

  PluginLog(Path file, Timer timer, Executor background, Clock clock) {
    this.file = new LogFile(file);
    this.timer = timer;
    this.background = background;
    this.clock = clock;
    this.rate = new LogRate(System::nanoTime);
  }

  /** Reads what earlier hosts left, if that was not done yet. Call it before a worker starts. */
  synchronized void open() {
    if (opened) {
      return;
    }
    opened = true;
    try {
      for (LogRecord record : file.read()) {
        sequence = Math.max(sequence, record.sequence());
        remember(record);
      }
    } catch (IOException e) {
      LOG.warn("An earlier log can't be read; it goes on without it: {}", e.toString());
    }
  }

  /** What to blot out from now on. */
  void redact(Redactor secrets) {
    this.redactor = secrets;
  }

  Redactor redactor() {
    return redactor;
  }

  /**
   * A record of the plugin's. Nothing in it is trusted.
   *
   * @param epochMillis by the plugin's clock; another day than the host's is not believed
   */
  void fromPlugin(long epochMillis, String level, String source, String logger, String message) {
    if (admits(message.length())) {
      put(epochMillis, level, source, logger, message);
    }
  }

  /**
   * Whether the plugin may log a message of about so many characters now; counts it as left out if
   * not. Who was let in calls {@link #put}.
   */
  boolean admits(int length) {
    boolean admitted = rate.admit(length + 100);
    if (!admitted) {
      truncated();
    }
    return admitted;
  }

  /** As {@link #fromPlugin}, of a record that was admitted. */
  void put(long epochMillis, String level, String source, String logger, String message) {
    Instant now = clock.instant();
    Instant time =
        Math.abs(epochMillis - now.toEpochMilli()) < Duration.ofDays(1).toMillis()
            ? Instant.ofEpochMilli(epochMillis)
            : now;
    add(time, level, source, Text.printable(logger, LOGGER_CHARS), clean(message));
  }

  /** So many records were left out before they came here. */
  void droppedElsewhere(long count) {
    rate.addDropped(count);
    truncated();
  }

  /** A record of the host's own; no rate holds for it. */
  void fromHost(String level, String message) {
    add(clock.instant(), level, "host", "", clean(message));
  }

  synchronized long lastSequence() {
    return sequence;
  }

  /** The newest {@code limit} records with a sequence above {@code after}, oldest first. */
  synchronized List<LogRecord> read(long after, int limit) {
    open();
    List<LogRecord> matching =
        ring.stream().filter(record -> record.sequence() > after).collect(Collectors.toList());
    return List.copyOf(
        matching.subList(Math.max(0, matching.size() - Math.max(0, limit)), matching.size()));
  }

  LogFollower follow(Consumer<LogRecord> consumer) {
    return follow(consumer, () -> {});
  }

  /**
   * @param ended run after the last record when the log is deleted
   */
  LogFollower follow(Consumer<LogRecord> consumer, Runnable ended) {
    var follower = new LogFollower(consumer, ended, followers::remove);
    synchronized (this) {
      followers.add(follower);
      if (deleted) {
        follower.end();
      }
    }
    follower.start();
    return follower;
  }

  /** Forgets everything, on disk too. */
  void delete() throws IOException {
    synchronized (this) {
      deleted = true;
      pending = new ArrayList<>();
      ring.clear();
      ringChars = 0;
      followers.forEach(LogFollower::end);
    }
    synchronized (file) {
      file.delete();
    }
  }

  /** Writes what is not written yet. */
  void flush() {
    writeBehind();
  }

  private void add(Instant time, String level, String source, String logger, String message) {
    LogRecord record;
    boolean start;
    synchronized (this) {
      if (deleted) {
        return;
      }
      record = new LogRecord(++sequence, time, level, source, logger, message);
      remember(record);
      if (pending.size() < PENDING) {
        pending.add(record); // Past that the disk is stuck; memory still has the newest.
      }
      start = !writing;
      writing = true;
      // Inside, so that a follower gets them in their order.
      for (LogFollower follower : followers) {
        follower.offer(record);
      }
    }
    if (start) {
      try {
        background.execute(this::writeBehind);
      } catch (RejectedExecutionException _) {
        // The host closes, and flushes every log at the end of that.
      }
    }
  }

  private void remember(LogRecord record) {
    ring.add(record);
    ringChars += record.message().length();
    while (ring.size() > RING_RECORDS || (ringChars > RING_CHARS && ring.size() > 1)) {
      ringChars -= ring.removeFirst().message().length();
    }
  }

  private void writeBehind() {
    synchronized (file) {
      while (true) {
        List<LogRecord> batch;
        synchronized (this) {
          batch = pending;
          pending = new ArrayList<>();
          if (batch.isEmpty() || deleted) {
            writing = false;
            return;
          }
        }
        try {
          file.append(batch);
        } catch (IOException e) {
          LOG.warn("{} log records are not on disk: {}", batch.size(), e.toString());
        }
      }
    }
  }

  /** Says, once a second at most, that something was left out. */
  private void truncated() {
    synchronized (this) {
      if (truncationDue || deleted) {
        return;
      }
      truncationDue = true;
    }
    timer.later(Duration.ofSeconds(1), this::sayTruncated);
  }

  private void sayTruncated() {
    synchronized (this) {
      truncationDue = false;
    }
    long count = rate.takeDropped();
    if (count > 0) {
      fromHost("WARNING", "log truncated: the plugin logged too much, " + count + " left out");
    }
  }

  /**
   * Line ends stay, for tracebacks; tabs become spaces; all else that moves a cursor is escaped.
   */
  private String clean(String message) {
    String redacted = redactor.redact(message).replace("\t", "    ");
    if (redacted.length() > MESSAGE_CHARS) {
      redacted = redacted.substring(0, MESSAGE_CHARS) + "...";
    }
    return redacted
        .lines()
        .map(line -> Text.printable(line, MESSAGE_CHARS))
        .collect(Collectors.joining("\n"));
  }
}
