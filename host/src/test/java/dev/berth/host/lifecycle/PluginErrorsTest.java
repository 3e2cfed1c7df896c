package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.PluginException;
import dev.berth.channel.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PluginErrorsTest {
  private static final Instant START = Instant.parse("2026-01-02T03:04:05Z");

  @TempDir Path folder;

  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final Timer timer = new Timer(background);
  private final Ticks clock = new Ticks();
  private PluginErrors errors;

  /** A second later at each look. */
  private static final class Ticks extends Clock {
    private Instant next = START;

    @Override
    public synchronized Instant instant() {
      Instant now = next;
      next = next.plusSeconds(1);
      return now;
    }

    @Override
    public ZoneId getZone() {
      return ZoneOffset.UTC;
    }

    @Override
    public Clock withZone(ZoneId zone) {
      return this;
    }
  }

  @BeforeEach
  void open() {
    errors = errors(Duration.ofDays(1));
  }

  @AfterEach
  void close() {
    timer.close();
    background.close();
  }

  private Path file() {
    return folder.resolve("plugin_a.errors");
  }

  private PluginErrors errors(Duration writtenAfter) {
    var made = new PluginErrors(file(), timer, clock, writtenAfter);
    made.open();
    return made;
  }

  private static Incident raised(String message, String... frames) {
    return Incident.of(
        new Fault(
            ErrorCode.PLUGIN_ERROR,
            "ValueError",
            message,
            List.of(frames),
            "Traceback (most recent call last):\nValueError: " + message),
        "1.0.0",
        Redactor.NONE);
  }

  @Test
  void what_was_raised_in_one_place_is_one_group_whatever_it_said() {
    for (int i = 1; i <= 3; i++) {
      errors.add(raised("no dice " + i, "main.py:7 execute", "dice.py:3 roll"));
    }
    ErrorGroup group = errors.list().getFirst();
    assertThat(errors.list()).hasSize(1);
    assertThat(group)
        .isEqualTo(
            new ErrorGroup(
                group.fingerprint(),
                ErrorCode.PLUGIN_ERROR,
                "ValueError",
                "no dice 3",
                "dice.py:3",
                "Traceback (most recent call last):\nValueError: no dice 3",
                3,
                START,
                START.plusSeconds(2),
                "1.0.0"));
    assertThat(group.fingerprint()).matches("[0-9a-f]{12}");
  }

  @Test
  void the_newest_come_first() {
    errors.add(raised("a", "main.py:1 f"));
    errors.add(raised("b", "main.py:2 f"));
    errors.add(raised("c", "main.py:1 f"));
    assertThat(errors.list()).extracting(ErrorGroup::message).containsExactly("c", "b");
  }

  @Test
  void the_one_not_seen_for_longest_goes() {
    for (int i = 0; i < PluginErrors.GROUPS; i++) {
      errors.add(raised("x", "main.py:" + i + " f"));
    }
    errors.add(raised("x", "main.py:0 f"));
    errors.add(raised("x", "main.py:1000 f"));
    assertThat(errors.list())
        .hasSize(PluginErrors.GROUPS)
        .extracting(ErrorGroup::where)
        .startsWith("main.py:1000", "main.py:0", "main.py:49")
        .doesNotContain("main.py:1");
  }

  @Test
  void a_flood_of_different_errors_leaves_a_bounded_file() throws IOException {
    String text = "x\n".repeat(50_000);
    for (int i = 0; i < 10_000; i++) {
      errors.add(raised(text, "main.py:" + i + " f"));
    }
    errors.flush();
    assertThat(errors.list()).hasSize(PluginErrors.GROUPS);
    assertThat(Files.size(file())).isLessThan(1 << 20);
  }

  @Test
  void they_come_back_after_a_restart_of_the_host_and_are_counted_on() {
    Incident hostile = raised("a\u001b[2J\n" + "\u0007\ud83c\udfb2".repeat(3000), "my file.py:3 f");
    errors.add(raised("b", "main.py:2 f"));
    errors.add(hostile);
    errors.flush();
    PluginErrors second = errors(Duration.ofDays(1));
    assertThat(second.list()).isEqualTo(errors.list()).hasSize(2);
    second.add(hostile);
    assertThat(second.list()).hasSize(2);
    ErrorGroup group = second.list().getFirst();
    assertThat(group.count()).isEqualTo(2);
    assertThat(group.firstAt()).isEqualTo(START.plusSeconds(1));
    assertThat(group.lastAt()).isEqualTo(START.plusSeconds(2));
    second.flush();
    assertThat(errors(Duration.ofDays(1)).list()).isEqualTo(second.list());
  }

  @Test
  void they_are_written_by_themselves() throws Exception {
    PluginErrors prompt = errors(Duration.ofMillis(1));
    try (var watch = folder.getFileSystem().newWatchService()) {
      var key = folder.register(watch, java.nio.file.StandardWatchEventKinds.ENTRY_CREATE);
      assertThat(key.isValid()).isTrue();
      prompt.add(raised("a", "main.py:1 f"));
      while (!Files.exists(file())) {
        assertThat(watch.poll(20, TimeUnit.SECONDS)).isNotNull().matches(seen -> seen.reset());
      }
    }
    assertThat(errors(Duration.ofDays(1)).list()).hasSize(1);
  }

  @Test
  void what_makes_no_sense_on_disk_is_left_out() throws IOException {
    errors.add(raised("a", "main.py:1 f"));
    errors.flush();
    Files.writeString(file(), "{\"fingerprint\":\"zz\"}\n[]\n{\"finger", StandardOpenOption.APPEND);
    assertThat(errors(Duration.ofDays(1)).list()).isEqualTo(errors.list());
    Files.write(file(), new byte[] {(byte) 0xff, 0, 1});
    assertThat(errors(Duration.ofDays(1)).list()).isEmpty();
  }

  @Test
  void cleared_they_are_gone_from_the_disk_too_and_begin_anew() {
    errors.add(raised("a", "main.py:1 f"));
    errors.flush();
    errors.add(raised("b", "main.py:2 f"));
    errors.clear();
    assertThat(errors.list()).isEmpty();
    assertThat(file()).doesNotExist();
    errors.flush();
    assertThat(file()).doesNotExist();
    errors.add(raised("a", "main.py:1 f"));
    assertThat(errors.list()).extracting(ErrorGroup::count).containsExactly(1L);
  }

  @Test
  void what_the_disk_does_not_let_go_is_not_cleared() throws IOException {
    errors.add(raised("a", "main.py:1 f"));
    Files.createDirectories(file().resolve("in the way"));
    assertThatThrownBy(errors::clear)
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
    assertThat(errors.list()).hasSize(1);
    errors.flush();
    assertThat(errors.list()).hasSize(1);
  }

  @Test
  void deleted_they_take_nothing_more() throws IOException {
    errors.add(raised("a", "main.py:1 f"));
    errors.flush();
    errors.delete();
    errors.add(raised("a", "main.py:1 f"));
    errors.flush();
    assertThat(errors.list()).isEmpty();
    assertThat(file()).doesNotExist();
  }
}
