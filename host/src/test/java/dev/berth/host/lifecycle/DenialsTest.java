package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.LogRecord;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DenialsTest {
  @TempDir Path folder;

  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final Timer timer = new Timer(background);
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1); // It may wrap around.
  private PluginLog log;
  private Denials denials;

  @BeforeEach
  void open() {
    log = new PluginLog(folder.resolve("log"), timer, background, Clock.systemUTC());
    log.open();
    denials = new Denials(log, new Traffic(), 1, now::get);
  }

  @AfterEach
  void close() {
    timer.close();
    background.close();
  }

  private List<String> said() {
    return log.read(0, 10_000).stream().map(LogRecord::message).toList();
  }

  @Test
  void each_destination_once_and_then_at_every_tenfold() {
    for (int i = 0; i < 99; i++) {
      denials.onDenied("a.test:1", "private");
    }
    denials.onDenied("b.test:1", "private");
    assertThat(said())
        .containsExactly(
            "network: a.test:1 was refused: private",
            "network: a.test:1 was refused: private (10 times by now)",
            "network: b.test:1 was refused: private");
  }

  @Test
  void those_beyond_what_is_remembered_are_counted_together() {
    for (int i = 1; i <= 1100; i++) {
      denials.onDenied("h" + i + ".test:1", "private");
    }
    assertThat(said().subList(100, said().size()))
        .containsExactly(
            "network: and 1 other refusal by now, the last of h101.test:1: private",
            "network: and 10 other refusals by now, the last of h110.test:1: private",
            "network: and 100 other refusals by now, the last of h200.test:1: private",
            "network: and 1000 other refusals by now, the last of h1100.test:1: private");
    now.addAndGet(Duration.ofSeconds(61).toNanos());
    denials.onDenied("new.test:1", "private");
    denials.onDenied("newer.test:1", "private");
    denials.onDenied("h1.test:1", "private");
    assertThat(said().getLast())
        .isEqualTo("network: and 1001 other refusals by now, the last of new.test:1: private");
  }
}
