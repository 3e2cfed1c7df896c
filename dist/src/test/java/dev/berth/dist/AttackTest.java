package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** A hostile plugin, installed through the front door, in each kind of sandbox. */
@Timeout(180)
@EnabledIf(value = "root", disabledReason = "without root the walls are others")
final class AttackTest {
  @TempDir Path folder;

  static boolean root() {
    return "root".equals(System.getProperty("user.name"));
  }

  private static JsonNode ask(RunningBerth berth, String id, String context) {
    Answer answer = berth.execute(id, context);
    assertThat(answer.status()).as(context + ": " + answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  /** It answers the very next call, whatever became of its worker. */
  private static void stillWorks(RunningBerth berth, String id) {
    Answer answer = berth.execute(id, "{\"do\":\"nothing\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
  }

  private RunningBerth open(Kinds kind) {
    return new RunningBerth(folder.resolve("data"), kind.hosting());
  }

  private String attacker(RunningBerth berth) {
    return berth.running(Pack.tar(Fixtures.plugin("attacker"), folder));
  }

  private static boolean isRunning(String mark) {
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      return processes
          .filter(path -> path.getFileName().toString().chars().allMatch(Character::isDigit))
          .anyMatch(path -> {
            try {
              return new String(
                      Files.readAllBytes(path.resolve("cmdline")), StandardCharsets.ISO_8859_1)
                  .contains("time.sleep(600) # " + mark);
            } catch (IOException ended) {
              return false;
            }
          });
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @ParameterizedTest(name = "ESC-01 ESC-05 to ESC-08, ESC-10, ESC-11, ESC-13 the walls, {0}")
  @EnumSource(Kinds.class)
  void walls(Kinds kind) {
    LeftBehind left;
    try (var berth = open(kind)) {
      left = LeftBehind.watch(berth);
      String id = attacker(berth);
      left.takesAsUsual();
      JsonNode found = ask(berth, id, "{\"do\":\"walls\"}");
      assertThat(found.size()).isEqualTo(36);
      List<String> refusals =
          List.of(
              "EPERM",
              "EACCES",
              "ENOENT",
              "ENOSYS",
              "EROFS",
              "EAFNOSUPPORT",
              "ENOTDIR",
              "EINVAL",
              "ValueError");
      found
          .properties()
          .forEach(attempt ->
              assertThat(attempt.getValue().asString()).as(attempt.getKey()).isIn(refusals));
      stillWorks(berth, id);
      left.hostIsAsUsual();
      assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
      left.nothingOf(berth, id);
    }
    left.nothing();
  }

  @ParameterizedTest(name = "ESC-02 ESC-03 what is to be seen, {0}")
  @EnumSource(Kinds.class)
  void sees(Kinds kind) {
    try (var berth = open(kind)) {
      String id = attacker(berth);
      JsonNode seen = ask(berth, id, "{\"do\":\"looks\"}");
      assertThat(seen.path("processes").size()).isBetween(1, 2);
      assertThat(seen.path("processes").toString())
          .doesNotContain("java")
          .doesNotContain(folder.toString());
      assertThat(seen.path("environment").toString())
          .isEqualTo("[\"HOME\",\"LANG\",\"PATH\",\"PYTHONPATH\",\"TMPDIR\"]");
      assertThat(seen.path("first").asString())
          .doesNotContain("JAVA")
          .doesNotContain("PLUGIN")
          .doesNotContain("TOKEN");
    }
  }

  @ParameterizedTest(name = "RUN-01 RUN-13 a fork bomb beside a victim, {0}")
  @EnumSource(Kinds.class)
  void forkBomb(Kinds kind) {
    try (var berth = open(kind)) {
      String id = attacker(berth);
      String victim = berth.running(Pack.tar(Fixtures.plugin("counter"), folder));
      Thread bomb = Thread.ofVirtual().start(() -> berth.execute(id, "{\"do\":\"fork_bomb\"}"));
      while (bomb.isAlive()) {
        assertThat(berth.execute(victim, "{}").status()).isEqualTo(200);
      }
      stillWorks(berth, id);
    }
  }

  @ParameterizedTest(name = "RUN-07 a flood of output, {0}")
  @EnumSource(Kinds.class)
  void outputFlood(Kinds kind) {
    try (var berth = open(kind)) {
      String id = attacker(berth);
      LeftBehind left = LeftBehind.watch(berth);
      left.takesAsUsual();
      for (String lines : List.of("true", "false")) {
        for (int i = 0; i < 4; i++) {
          var _ = ask(berth, id, "{\"do\":\"output\",\"mb\":16,\"lines\":" + lines + "}");
        }
      }
      left.hostIsAsUsual();
      Answer logs = berth.get("/api/plugins/" + id + "/logs");
      assertThat(logs.body().length()).isLessThan(8 << 20);
      stillWorks(berth, id);
    }
  }

  @ParameterizedTest(name = "RUN-08 a log that forges, {0}")
  @EnumSource(Kinds.class)
  void logForgery(Kinds kind) {
    try (var berth = open(kind)) {
      String id = attacker(berth);
      var _ = ask(berth, id, "{\"do\":\"log_forgery\"}");
      JsonNode records = berth.get("/api/plugins/" + id + "/logs").json().path("records");
      for (JsonNode record : records) {
        String message = record.path("message").asString();
        assertThat(message).doesNotContain("\u001b").doesNotContain("\r");
        if (message.contains("CRITICAL")) {
          assertThat(record.path("source").asString()).isEqualTo("stdout");
        }
      }
    }
  }

  @ParameterizedTest(name = "RUN-10 RUN-11 daemons and what is deaf to signals end with it, {0}")
  @EnumSource(Kinds.class)
  void daemons(Kinds kind) {
    String mark = "mark" + System.nanoTime();
    try (var berth = open(kind)) {
      String id = attacker(berth);
      var _ = ask(berth, id, "{\"do\":\"daemon\",\"mark\":\"" + mark + "\"}");
      while (!isRunning(mark)) {
        Thread.onSpinWait(); // it is on its way
      }
      var _ = ask(berth, id, "{\"do\":\"deaf_to_sigterm\"}");
      assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
      assertThat(isRunning(mark)).isFalse();
    }
  }

  @ParameterizedTest(name = "RUN-12 deaths of all kinds, {0}")
  @EnumSource(Kinds.class)
  void deaths(Kinds kind) {
    try (var berth = open(kind)) {
      String id = attacker(berth);
      Answer fault = berth.execute(id, "{\"do\":\"segfault\"}");
      assertThat(fault.code()).as(fault.body()).isEqualTo("plugin_crashed");
      assertThat(fault.json().path("signal").asInt()).isEqualTo(11);
      stillWorks(berth, id);
      Answer child = berth.execute(id, "{\"do\":\"leave_a_child_behind\"}");
      assertThat(child.code()).as(child.body()).isEqualTo("plugin_crashed");
      assertThat(child.json().path("exit_code").asInt()).isEqualTo(7);
      stillWorks(berth, id);
      forgiven(berth, id);
      Answer stopped = berth.execute(id, "{\"do\":\"stop_itself\"}");
      assertThat(stopped.code()).as(stopped.body()).isEqualTo("plugin_timeout");
      stillWorks(berth, id);
    }
  }

  @ParameterizedTest(name = "CHN-01 CHN-02 CHN-03 forged, malformed and doubled frames, {0}")
  @EnumSource(Kinds.class)
  void frames(Kinds kind) {
    try (var berth = open(kind)) {
      String id = attacker(berth);
      // Its own call, answered twice: the second is dropped, and the next call has its own.
      assertThat(ask(berth, id, "{\"do\":\"answers_twice\"}").asString()).isEqualTo("first");
      stillWorks(berth, id);
      LeftBehind left = LeftBehind.watch(berth);
      left.takesAsUsual();
      assertThat(ask(berth, id, "{\"do\":\"gives_descriptors\"}").isEmpty()).isTrue();
      left.hostIsAsUsual();
      refused(berth, id, "{\"do\":\"forged_answer\"}");
      refused(berth, id, "{\"do\":\"closes_all\"}");
      forgiven(berth, id);
      Answer mixed = berth.execute(id, "{\"do\":\"mixes_up\"}");
      assertThat(mixed.status()).as(mixed.body()).isIn(502, 504);
      stillWorks(berth, id);
      for (String hex :
          List.of(
              "00000000", // no length
              "ffffffff", // one that is negative, or four gigabytes
              "80000000",
              "00000004ffffffff", // no UTF-8
              "000000055b5b5b5b5b", // no object
              "0000000268690000000268690000000268")) {
        berth.post("/api/plugins/" + id + "/enable"); // after some of these it is given up
        refused(berth, id, "{\"do\":\"raw\",\"hex\":\"" + hex + "\"}");
      }
    }
  }

  /** Its crashes are forgotten, so that the next start does not wait longer than a call may. */
  private static void forgiven(RunningBerth berth, String id) {
    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
  }

  private static void refused(RunningBerth berth, String id, String context) {
    Answer answer = berth.execute(id, context);
    assertThat(answer.status()).as(context + ": " + answer.body()).isEqualTo(502);
    assertThat(answer.code()).as(answer.body()).isIn("plugin_protocol_error", "plugin_crashed");
    berth.post("/api/plugins/" + id + "/enable");
    stillWorks(berth, id);
  }
}
