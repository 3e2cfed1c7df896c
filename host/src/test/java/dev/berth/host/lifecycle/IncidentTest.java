package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import dev.berth.channel.Fault;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is one error and what is another, and how each is shown. */
class IncidentTest {
  private static final Redactor SECRET = new Redactor(List.of("hunter22"));

  private static Incident raised(String exception, String message, String... frames) {
    return Incident.of(
        new Fault(ErrorCode.PLUGIN_ERROR, exception, message, List.of(frames), message),
        "1.0.0",
        SECRET);
  }

  private static Incident crashed(SandboxExit exit) {
    var why = new PluginException(ErrorCode.PLUGIN_CRASHED, "ended");
    return Incident.ofCrash(why, exit, "1.0.0", SECRET);
  }

  private static Incident notStarted(ErrorCode code, Fault said, SandboxExit exit) {
    return Incident.ofStart(
        new PluginException(code, "did not start"), said, exit, "1.0.0", SECRET);
  }

  private static ErrorGroup shown(Incident incident) {
    return incident.describe(incident.fingerprint(), 1, Instant.EPOCH, Instant.EPOCH);
  }

  @Test
  void errors_differ_by_kind_exception_and_place_alone() {
    List<Incident> different =
        List.of(
            raised("ValueError", "a", "main.py:1 f"),
            raised("KeyError", "a", "main.py:1 f"),
            raised("ValueError", "a", "main.py:2 f"),
            raised("ValueError", "a", "main.py:1 g"),
            raised("ValueError", "a", "main.py:1 f", "main.py:1 f"),
            raised("ValueError", "a", "main.py:1", "f"),
            raised("ValueError", "a"),
            Incident.of(Fault.of(ErrorCode.PLUGIN_TIMEOUT, "a"), "1.0.0", SECRET),
            Incident.of(Fault.of(ErrorCode.PLUGIN_BAD_RESULT, "a"), "1.0.0", SECRET));
    assertThat(different).extracting(Incident::fingerprint).doesNotHaveDuplicates();
    Fault other =
        new Fault(ErrorCode.PLUGIN_ERROR, "ValueError", "b", List.of("main.py:1 f"), "other");
    assertThat(Incident.of(other, "2.0.0", Redactor.NONE).fingerprint())
        .isEqualTo(different.getFirst().fingerprint());
  }

  /** Written down and shown to people: it must not change from one version to the next. */
  @Test
  void a_fingerprint_stays_what_it_is() {
    assertThat(shown(raised("ValueError", "a", "main.py:1 f")).fingerprint())
        .isEqualTo("119962af9a93");
  }

  @Test
  void crashes_differ_by_their_cause() {
    List<Incident> different =
        List.of(
            crashed(new SandboxExit.Exited(3)),
            crashed(new SandboxExit.Exited(4)),
            crashed(new SandboxExit.Killed(4)),
            crashed(new SandboxExit.OutOfMemory(64 << 20)),
            crashed(new SandboxExit.TimedOut(Duration.ofSeconds(5))),
            crashed(null));
    assertThat(different).extracting(Incident::fingerprint).doesNotHaveDuplicates();
    assertThat(crashed(new SandboxExit.OutOfMemory(128 << 20)).fingerprint())
        .isEqualTo(different.get(3).fingerprint());
    assertThat(shown(different.get(2)))
        .satisfies(group -> {
          assertThat(group.kind()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
          assertThat(group.message()).isEqualTo("its worker was killed by signal 4");
          assertThat(group.type() + group.where() + group.traceback()).isEmpty();
        });
  }

  @Test
  void a_broken_protocol_is_the_plugins_doing_and_a_host_that_ends_is_not() {
    var broken = new PluginException(ErrorCode.PLUGIN_PROTOCOL_ERROR, "at byte 7: what?");
    var exit = new SandboxExit.Killed(9);
    assertThat(shown(Incident.ofCrash(broken, exit, "1.0.0", SECRET)).message())
        .isEqualTo("at byte 7: what?");
    var closing = new PluginException(ErrorCode.SHUTTING_DOWN, "the host's loop ended");
    assertThat(Incident.ofCrash(closing, exit, "1.0.0", SECRET)).isNull();
  }

  @Test
  void a_start_that_raised_is_told_by_what_it_raised_and_another_by_what_happened() {
    var said =
        new Fault(
            ErrorCode.PLUGIN_START_FAILED, "OSError", "no db", List.of("main.py:4 initialize"), "");
    ErrorGroup group = shown(notStarted(ErrorCode.PLUGIN_START_FAILED, said, null));
    assertThat(group.kind()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
    assertThat(group.type() + ": " + group.message()).isEqualTo("OSError: no db");
    assertThat(group.where()).isEqualTo("main.py:4");

    Fault refused = Fault.of(ErrorCode.PLUGIN_START_FAILED, "initialize returned False");
    Incident returned = notStarted(ErrorCode.PLUGIN_START_FAILED, refused, null);
    Incident died = notStarted(ErrorCode.PLUGIN_START_FAILED, null, new SandboxExit.Killed(11));
    assertThat(returned.fingerprint()).isNotEqualTo(died.fingerprint());
    assertThat(shown(died).message()).isEqualTo("its worker was killed by signal 11");
    assertThat(shown(notStarted(ErrorCode.PLUGIN_START_TIMEOUT, null, null)).message())
        .isEqualTo("did not start");
  }

  @ParameterizedTest
  @EnumSource(
      value = ErrorCode.class,
      names = {"SANDBOX_UNAVAILABLE", "SANDBOX_TOO_WEAK", "INTERNAL", "CANCELLED", "SHUTTING_DOWN"})
  void a_start_that_failed_for_the_hosts_sake_is_not_the_plugins(ErrorCode code) {
    assertThat(notStarted(code, null, null)).isNull();
  }

  @Test
  void secrets_are_cut_out_and_what_moves_a_cursor_is_escaped() {
    var hostile =
        new Fault(
            ErrorCode.PLUGIN_ERROR,
            "E\u001b[2J\nrror",
            "key hunter22\u0000\ton\r\ntwo lines\u202e",
            List.of("ma\u001bin\nhunter22.py:3 f"),
            "Trace\u0007back\n  hunter22\n\u2028end\n");
    ErrorGroup group = shown(Incident.of(hostile, "1.0.0", SECRET));
    assertThat(group.type()).isEqualTo("E\\u001b[2J\\u000arror");
    assertThat(group.message()).isEqualTo("key ***\\u0000    on\ntwo lines\\u202e");
    assertThat(group.where()).isEqualTo("ma\\u001bin\\u000a***.py:3");
    assertThat(group.traceback()).isEqualTo("Trace\\u0007back\n  ***\n\\u2028end");
  }

  @Test
  void a_secret_across_the_cut_is_cut_out_whole() {
    String message = "x".repeat(Incident.MESSAGE_CHARS - 4) + "hunter22";
    assertThat(shown(raised("E", message, "main.py:1 f")).message())
        .isEqualTo("x".repeat(Incident.MESSAGE_CHARS - 4) + "***");
  }

  @Test
  void texts_are_bounded_and_of_a_traceback_the_end_is_kept() {
    String many =
        IntStream.range(0, 500).mapToObj(i -> "line " + i).collect(Collectors.joining("\n"));
    ErrorGroup group = shown(raised("E", many, "main.py:1 f"));
    assertThat(group.message()).hasSize(Incident.MESSAGE_CHARS).endsWith("...");
    assertThat(group.traceback())
        .startsWith("...\nline 440\n")
        .endsWith("\nline 499")
        .hasLineCount(Incident.TRACEBACK_LINES + 1);
    assertThat(shown(raised("E", "\u0000".repeat(1 << 20), "main.py:1 f")).traceback().length())
        .isLessThan(Incident.TRACEBACK_CHARS);
    assertThat(shown(raised("E", "a".repeat(900) + "\n", "b:1")).traceback()).hasSize(900);
    String wide = ("w".repeat(999) + "\n").repeat(20);
    assertThat(shown(raised("E", wide, "b:1")).traceback())
        .startsWith("...\nw")
        .hasSizeLessThan(Incident.TRACEBACK_CHARS + 4);
  }
}
