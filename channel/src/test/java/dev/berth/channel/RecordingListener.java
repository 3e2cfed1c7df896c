package dev.berth.channel;

import dev.berth.api.PluginException;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;

/** Keeps what a channel tells. */
final class RecordingListener implements ChannelListener {
  record Line(String level, String source, String logger, String message) {}

  final BlockingQueue<Line> lines = new LinkedBlockingQueue<>();
  final BlockingQueue<Fault> faults = new LinkedBlockingQueue<>();
  final AtomicLong dropped = new AtomicLong();
  final AtomicInteger closings = new AtomicInteger();
  final AtomicInteger silences = new AtomicInteger();
  final CompletableFuture<PluginException> closed = new CompletableFuture<>();
  final CompletableFuture<PluginException> unresponsive = new CompletableFuture<>();

  @Override
  public void onLog(long epochMillis, String level, String source, String logger, String message) {
    lines.add(new Line(level, source, logger, message));
  }

  @Override
  public void onLogsDropped(long count) {
    dropped.addAndGet(count);
  }

  @Override
  public void onFault(Fault fault) {
    faults.add(fault);
  }

  @Override
  public void onSilence() {
    silences.incrementAndGet();
  }

  @Override
  public void onUnresponsive(PluginException why) {
    unresponsive.complete(why);
  }

  @Override
  public void onClosed(PluginException why) {
    closings.incrementAndGet();
    closed.complete(why);
  }

  /** The next line that fits, waiting for it; those before it are thrown away. */
  Line await(Predicate<Line> wanted) throws InterruptedException {
    while (true) {
      Line line = lines.poll(30, TimeUnit.SECONDS);
      if (line == null) {
        throw new AssertionError("the line did not come");
      }
      if (wanted.test(line)) {
        return line;
      }
    }
  }

  PluginException awaitClosed() throws Exception {
    return closed.get(30, TimeUnit.SECONDS);
  }
}
