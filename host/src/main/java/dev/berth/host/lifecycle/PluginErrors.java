package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What goes wrong in a plugin, the same things counted together. Bounded: at most {@value #GROUPS}
 * groups, of which the one not seen for longest goes. Adding never waits for the disk: what is new
 * is written some seconds later, and when the host closes.
 */
final class PluginErrors {
  static final int GROUPS = 50;
  private static final Duration WRITTEN_AFTER = Duration.ofSeconds(3);
  private static final Logger LOG = LoggerFactory.getLogger(PluginErrors.class);

  /** How often something went wrong, and how the last time was. Guarded by the errors' monitor. */
  private static final class Group {
    private final Instant firstAt;
    private Incident last;
    private Instant lastAt;
    private long count;

    private Group(Incident last, long count, Instant firstAt, Instant lastAt) {
      this.last = last;
      this.count = count;
      this.firstAt = firstAt;
      this.lastAt = lastAt;
    }
  }

  /** A group as it was at one moment, its texts not yet cleaned. */
  private record Seen(
      long fingerprint, Incident last, long count, Instant firstAt, Instant lastAt) {
    ErrorGroup describe() {
      return last.describe(fingerprint, count, firstAt, lastAt);
    }
  }

  private final ErrorFile file;
  private final Timer timer;
  private final Clock clock;
  private final Duration writtenAfter;

  // Guarded by this. By fingerprint, the one last seen at the end.
  private final LinkedHashMap<Long, Group> groups = new LinkedHashMap<>(16, 0.75f, true);
  private boolean opened;
  private boolean dirty;
  private boolean writeDue;
  private boolean deleted;

  PluginErrors(Path file, Timer timer, Clock clock) {
    this(file, timer, clock, WRITTEN_AFTER);
  }

  PluginErrors(Path file, Timer timer, Clock clock, Duration writtenAfter) {
    this.file = new ErrorFile(file);
    this.timer = timer;
    this.clock = clock;
    this.writtenAfter = writtenAfter;
  }

  /** Reads what earlier hosts left, if that was not done yet. Call it before a worker starts. */
  synchronized void open() {
    if (opened) {
      return;
    }
    opened = true;
    try {
      for (ErrorGroup group : file.read()) {
        groups.put(
            HexFormat.fromHexDigitsToLong(group.fingerprint()),
            new Group(Incident.again(group), group.count(), group.firstAt(), group.lastAt()));
      }
      shrink();
    } catch (IOException e) {
      LOG.warn("Earlier errors can't be read; it goes on without them: {}", e.toString());
    }
  }

  /** Counts one more; null counts for nothing. May be called on any thread, for every call. */
  void add(@Nullable Incident incident) {
    if (incident == null) {
      return;
    }
    long fingerprint = incident.fingerprint();
    Instant now = clock.instant();
    boolean ask;
    synchronized (this) {
      if (deleted) {
        return;
      }
      Group group = groups.get(fingerprint);
      if (group == null) {
        groups.put(fingerprint, new Group(incident, 1, now, now));
        shrink();
      } else {
        group.last = incident;
        group.lastAt = now;
        group.count++;
      }
      dirty = true;
      ask = !writeDue;
      writeDue = true;
    }
    if (ask) {
      try {
        timer.later(writtenAfter, this::flush);
      } catch (RejectedExecutionException _) {
        // The host closes, and flushes all errors at the end of that.
      }
    }
  }

  private void shrink() {
    while (groups.size() > GROUPS) {
      groups.pollFirstEntry();
    }
  }

  /** All of them, the newest first. */
  List<ErrorGroup> list() {
    List<Seen> seen;
    synchronized (this) {
      open();
      seen = seen();
    }
    return seen.reversed().stream().map(Seen::describe).toList();
  }

  private List<Seen> seen() {
    var out = new ArrayList<Seen>(groups.size());
    groups
        .sequencedEntrySet()
        .forEach(entry -> {
          Group group = entry.getValue();
          out.add(new Seen(entry.getKey(), group.last, group.count, group.firstAt, group.lastAt));
        });
    return out;
  }

  /** Writes what is not written yet. */
  void flush() {
    synchronized (file) {
      List<Seen> seen;
      synchronized (this) {
        writeDue = false;
        if (!dirty || deleted) {
          return;
        }
        dirty = false;
        seen = seen();
      }
      try {
        file.write(seen.stream().map(Seen::describe).toList());
      } catch (IOException e) {
        LOG.warn("{} groups of errors are not on disk: {}", seen.size(), e.toString());
      }
    }
  }

  /**
   * Forgets them, on disk too.
   *
   * @throws PluginException {@code store_unavailable}; nothing is forgotten then
   */
  void clear() {
    synchronized (file) {
      try {
        file.delete();
      } catch (IOException e) {
        throw new PluginException(
            ErrorCode.STORE_UNAVAILABLE, "The errors can't be taken from the disk: " + e, e);
      }
      synchronized (this) {
        opened = true;
        dirty = false;
        groups.clear();
      }
    }
  }

  /** Forgets them for good; what comes later is not taken. */
  void delete() throws IOException {
    synchronized (file) {
      synchronized (this) {
        deleted = true;
        groups.clear();
      }
      file.delete();
    }
  }
}
