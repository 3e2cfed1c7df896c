package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.LogRecord;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginLogTest {
  @TempDir Path folder;

  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final Timer timer = new Timer(background);

  @AfterEach
  void close() {
    timer.close();
    background.close();
  }

  private PluginLog log() {
    var log =
        new PluginLog(folder.resolve("plugin_a.ndjson"), timer, background, Clock.systemUTC());
    log.open();
    return log;
  }

  private static void info(PluginLog log, String message) {
    log.fromPlugin(System.currentTimeMillis(), "INFO", "logging", "main", message);
  }

  private static List<String> messages(PluginLog log) {
    return log.read(0, 10_000).stream().map(LogRecord::message).toList();
  }

  @Test
  void records_come_back_in_order_after_a_restart_of_the_host() {
    PluginLog first = log();
    for (int i = 1; i <= 50; i++) {
      info(first, "line " + i);
    }
    first.flush();
    PluginLog second = log();
    assertThat(second.read(0, 100)).isEqualTo(first.read(0, 100)).hasSize(50);
    info(second, "line 51");
    assertThat(second.read(50, 10)).extracting(LogRecord::sequence).containsExactly(51L);
    assertThat(second.read(10, 5))
        .extracting(LogRecord::sequence)
        .containsExactly(47L, 48L, 49L, 50L, 51L);
  }

  @Test
  void a_line_that_a_dying_host_left_half_written_is_left_out_and_not_glued_to()
      throws IOException {
    PluginLog first = log();
    info(first, "whole");
    first.flush();
    Files.writeString(
        folder.resolve("plugin_a.ndjson"), "{\"sequence\":2,\"ti", StandardOpenOption.APPEND);
    PluginLog second = log();
    info(second, "after");
    second.flush();
    assertThat(messages(log())).containsExactly("whole", "after");
  }

  @Test
  void memory_and_disk_are_bounded() throws IOException {
    PluginLog log = log();
    for (int i = 0; i < 2 * PluginLog.RING_RECORDS; i++) {
      log.fromHost("INFO", "x".repeat(1000));
    }
    log.flush();
    assertThat(messages(log).size()).isLessThanOrEqualTo(PluginLog.RING_RECORDS);
    long size = 0;
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        size += Files.size(file);
      }
    }
    // Each of two files may pass the mark by the batch that reaches it.
    assertThat(size).isLessThan(10L * LogFile.ROTATE_AT);
    assertThat(log().read(0, 1).getFirst().sequence()).isEqualTo(2L * PluginLog.RING_RECORDS);
  }

  @Test
  void RUN_08_what_moves_a_cursor_or_forges_a_line_is_escaped() {
    PluginLog log = log();
    info(log, "a\u001b[31mred\r\n{\"sequence\":9,\"message\":\"forged\"}\u202e\u0000");
    assertThat(messages(log))
        .containsExactly("a\\u001b[31mred\n{\"sequence\":9,\"message\":\"forged\"}\\u202e\\u0000");
    log.flush();
    assertThat(log().read(0, 10)).hasSize(1);
  }

  @Test
  void RUN_08_secrets_are_blotted_out() throws IOException {
    PluginLog log = log();
    log.redact(new Redactor(List.of("hunter22", "abc", "hunter22-and-more")));
    info(log, "key hunter22-and-more, key hunter22, abc");
    assertThat(messages(log)).containsExactly("key ***, key ***, abc");
    log.flush();
    assertThat(Files.readString(folder.resolve("plugin_a.ndjson"))).doesNotContain("hunter");
  }

  @Test
  void a_time_of_the_plugins_own_making_is_not_believed() {
    PluginLog log = log();
    log.fromPlugin(Long.MAX_VALUE, "INFO", "logging", "", "future");
    log.fromPlugin(Long.MIN_VALUE, "INFO", "logging", "", "past");
    assertThat(log.read(0, 10))
        .allSatisfy(record ->
            assertThat(record.time()).isBetween("2000-01-01T00:00:00Z", "2999-01-01T00:00:00Z"));
  }

  @Test
  void a_follower_gets_each_new_record_and_none_after_it_is_closed() throws Exception {
    PluginLog log = log();
    info(log, "before");
    var seen = new LinkedBlockingQueue<LogRecord>();
    try (LogFollower _ = log.follow(seen::add)) {
      info(log, "one");
      info(log, "two");
      assertThat(seen.poll(10, TimeUnit.SECONDS).message()).isEqualTo("one");
      assertThat(seen.poll(10, TimeUnit.SECONDS).message()).isEqualTo("two");
    }
    info(log, "three");
    assertThat(seen).isEmpty();
  }

  @Test
  void a_follower_is_told_after_the_last_record_that_the_log_is_deleted() throws Exception {
    PluginLog log = log();
    var seen = new LinkedBlockingQueue<String>();
    try (LogFollower _ =
        log.follow(record -> seen.add(record.message()), () -> seen.add("ended"))) {
      info(log, "last");
      log.delete();
      assertThat(seen.poll(10, TimeUnit.SECONDS)).isEqualTo("last");
      assertThat(seen.poll(10, TimeUnit.SECONDS)).isEqualTo("ended");
    }
    try (LogFollower _ = log.follow(record -> seen.add(record.message()), () -> seen.add("late"))) {
      assertThat(seen.poll(10, TimeUnit.SECONDS)).isEqualTo("late");
    }
    assertThat(seen).isEmpty();
  }

  @Test
  void a_follower_that_is_stuck_holds_nobody() throws Exception {
    PluginLog log = log();
    var stuck = new Semaphore(0);
    try (LogFollower _ = log.follow(_ -> stuck.acquireUninterruptibly())) {
      for (int i = 0; i < 5000; i++) {
        log.fromHost("INFO", "record " + i);
      }
      assertThat(log.read(0, 1).getFirst().message()).isEqualTo("record 4999");
      stuck.release(10_000);
    }
  }

  @Test
  void a_deleted_log_leaves_nothing_and_takes_nothing() throws IOException {
    PluginLog log = log();
    info(log, "gone");
    log.delete();
    info(log, "late");
    log.flush();
    try (var files = Files.list(folder)) {
      assertThat(files).isEmpty();
    }
    assertThat(log.read(0, 10)).isEmpty();
  }

  @Test
  void RUN_07_a_flood_is_read_to_its_end_dropped_past_a_rate_and_said() throws Exception {
    PluginLog log = log();
    var seen = new LinkedBlockingQueue<LogRecord>();
    Path address = Files.createTempDirectory("berth").resolve("s");
    try (LogFollower _ =
            log.follow(record -> {
              if (record.source().equals("host")) {
                seen.add(record);
              }
            });
        var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(address));
      var plugin = SocketChannel.open(UnixDomainSocketAddress.of(address));
      SocketChannel host = server.accept();
      background.execute(new OutputReader(host, log));
      ByteBuffer one = line("first \u001b[2J line\n");
      plugin.write(one);
      ByteBuffer endless = line("y".repeat(1 << 20)); // one line of 8 MiB, and then 200,000 short
      for (int i = 0; i < 8; i++) {
        writeAll(plugin, endless.rewind());
      }
      ByteBuffer lines = line("\n" + "spam\n".repeat(20_000));
      for (int i = 0; i < 10; i++) {
        writeAll(plugin, lines.rewind());
      }
      plugin.close();
      LogRecord truncated = seen.poll(30, TimeUnit.SECONDS);
      assertThat(truncated.message()).startsWith("log truncated: ");
      assertThat(truncated.level()).isEqualTo("WARNING");
    } finally {
      Files.delete(address);
    }
    List<LogRecord> kept = log.read(0, 100_000);
    assertThat(kept.size()).isLessThanOrEqualTo(PluginLog.RING_RECORDS);
    assertThat(kept).allSatisfy(r -> assertThat(r.message().length()).isLessThan(9000));
  }

  private static ByteBuffer line(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static void writeAll(SocketChannel to, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      to.write(bytes);
    }
  }
}
