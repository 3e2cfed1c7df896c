package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/** A hostile plugin, installed through the front door, in each kind of sandbox. */
@Timeout(180)
@RootOnly("without root the walls are others")
final class AttackTest extends OneHost {
  /**
   * What each attempt is refused with in a process and, where that is another, in a container,
   * which has an image's files where a process has none.
   */
  private static final String WALLS =
      """
      shadow            ENOENT
      root              ENOENT EACCES
      host_data         ENOENT
      host_secret       ENOENT
      other_plugin      ENOENT
      init_root         ENOENT EACCES
      docker_socket     ENOENT
      docker_port       ENETUNREACH
      core_pattern      ENOENT EROFS
      sysrq             ENOENT
      sys               ENOENT EROFS
      release_agent     ENOENT EROFS
      mount_cgroup      EPERM
      oom_score         EACCES
      workspace         EROFS
      site              EROFS
      runtime           EROFS
      usr               EROFS
      exec_data         EACCES
      setuid            EINVAL EPERM
      setgroups         EPERM
      realtime          EPERM
      nice              EPERM
      limits            EPERM
      kill_init         EPERM
      chroot            EPERM
      mount             EPERM
      unshare_user      EPERM
      unshare_mount     EPERM
      setns             EPERM
      clone_user        EPERM
      clone3            ENOSYS
      ptrace            EPERM
      process_vm_readv  EPERM
      process_vm_writev EPERM
      pidfd_getfd       EPERM
      kcmp              EPERM
      init_module       EPERM
      finit_module      EPERM
      kexec_load        EPERM
      bpf               EPERM
      io_uring          ENOSYS
      userfaultfd       EPERM
      keyctl            EPERM
      add_key           EPERM
      perf              EPERM
      sync              EPERM
      syncfs            EPERM
      disk_priority     EPERM
      core_scheduling   EPERM
      huge_pages        EPERM
      huge_file         EPERM
      huge_segment      EPERM
      own_filter        EPERM
      own_filter_by_prctl EPERM
      socket_filter     EPERM
      port_filter       EPERM
      shared_port       EPERM
      netlink           EAFNOSUPPORT
      packet            EAFNOSUPPORT
      alg               EAFNOSUPPORT
      vsock             EAFNOSUPPORT
      raw_inet          EPERM
      out_of_band       EPERM
      out_of_band_read  EPERM
      """;

  private String attacker() {
    return running("attacker");
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

  private Map<String, String> walls() {
    Map<String, String> walls = new LinkedHashMap<>();
    for (String line : WALLS.lines().toList()) {
      String[] words = line.split(" +");
      walls.put(words[0], words[kind == Kinds.DOCKER ? words.length - 1 : 1]);
    }
    return walls;
  }

  @Test
  @DisplayName("ESC-01 ESC-05 to ESC-08, ESC-10, ESC-11, ESC-13 the walls")
  void walls_hold() {
    String id = attacker();
    JsonNode found =
        ask(
            id,
            "{\"do\":\"walls\",\"data\":\"%s\",\"secret\":\"%s\"}"
                .formatted(berth().data(), left().secret()));
    Map<String, String> met = new LinkedHashMap<>();
    found.properties().forEach(attempt -> met.put(attempt.getKey(), attempt.getValue().asString()));
    assertThat(met).isEqualTo(walls());
    berth().stillWorks(id);
  }

  @Test
  @DisplayName("ESC-02 ESC-03 what is to be seen")
  void sees() {
    JsonNode seen = ask(attacker(), "{\"do\":\"looks\"}");
    assertThat(seen.path("processes").size()).isBetween(1, 2);
    assertThat(seen.path("processes").toString())
        .doesNotContain("java")
        .doesNotContain(berth().data().toString());
    assertThat(seen.path("environment").toString())
        .isEqualTo("[\"HOME\",\"LANG\",\"PATH\",\"PYTHONPATH\",\"TMPDIR\"]");
    assertThat(seen.path("first").asString())
        .doesNotContain("JAVA")
        .doesNotContain("PLUGIN")
        .doesNotContain("TOKEN");
  }

  @Test
  @DisplayName("RUN-01 a fork bomb meets a limit of its own, and takes nobody else's time")
  void forkBomb() {
    String id = attacker();
    String victim = running("counter");
    CompletableFuture<Answer> bomb =
        CompletableFuture.supplyAsync(() -> berth().execute(id, "{\"do\":\"fork_bomb\"}"));
    int answered = 0;
    while (!bomb.isDone()) {
      Answer answer = berth().execute(victim, "{}");
      assertThat(answer.status()).as(answer.body()).isEqualTo(200);
      answered++;
    }
    // It forks for as long as it lives: what stops it is the time that its call has, or before that
    // the memory that its children have together.
    Answer answer = bomb.join();
    boolean late = answer.code().equals("plugin_timeout");
    assertThat(answer.code()).isEqualTo(late ? "plugin_timeout" : "plugin_crashed");
    assertThat(answer.status()).as(answer.body()).isEqualTo(late ? 504 : 502);
    assertThat(answer.json().path("limit").asString())
        .as(answer.body())
        .isEqualTo(late ? "timeout_seconds" : "memory_mb");
    assertThat(answer.json().path("limit_value").asInt()).isEqualTo(late ? 5 : 128);
    assertThat(answered).as("calls of another plugin meanwhile").isGreaterThan(50);
    berth().stillWorks(id);
  }

  @Test
  @DisplayName("RUN-07 a flood of output is cut, and the log says so")
  void outputFlood() {
    String id = attacker();
    for (String lines : List.of("true", "false")) {
      for (int i = 0; i < 4; i++) {
        var _ = ask(id, "{\"do\":\"output\",\"mb\":16,\"lines\":" + lines + "}");
      }
    }
    left().hostIsAsUsual();
    String logs = "/api/plugins/" + id + "/logs";
    // It is said once in a second.
    Eventually.is(
        "the log says that it was cut", () -> berth().get(logs).body().contains("log truncated"));
    Answer log = berth().get(logs);
    assertThat(log.body().length()).isLessThan(8 << 20);
    assertThat(log.json().path("records").valueStream())
        .filteredOn(record -> record.path("message").asString().startsWith("log truncated"))
        .allSatisfy(record -> {
          assertThat(record.path("source").asString()).isEqualTo("host");
          assertThat(record.path("message").asString())
              .matches("log truncated: the plugin logged too much, [1-9][0-9]* left out");
        });
    assertThat(log.body()).contains("x [line cut]");
    berth().stillWorks(id);
  }

  @Test
  @DisplayName("RUN-08 a log that forges")
  void logForgery() {
    String id = attacker();
    var _ = ask(id, "{\"do\":\"log_forgery\"}");
    String logs = "/api/plugins/" + id + "/logs";
    Eventually.is("its lines are in the log", () -> berth().get(logs).body().contains("CRITICAL"));
    List<JsonNode> records =
        berth()
            .get(logs)
            .json()
            .path("records")
            .valueStream()
            .filter(record -> record.path("source").asString().equals("stdout"))
            .toList();
    assertThat(records)
        .extracting(record -> record.path("message").asString())
        .containsExactly(
            "\\u001b[2J\\u001b]0;owned\\u0007 red", "{\"level\":\"CRITICAL\",\"source\":\"host\"}");
    assertThat(records).extracting(record -> record.path("level").asString()).containsOnly("INFO");
  }

  @Test
  @DisplayName("RUN-10 RUN-11 daemons and what is deaf to signals end with it")
  void daemons() {
    String mark = "mark" + System.nanoTime();
    String id = attacker();
    var _ = ask(id, "{\"do\":\"daemon\",\"mark\":\"" + mark + "\"}");
    Eventually.is("the daemon runs", () -> isRunning(mark));
    var _ = ask(id, "{\"do\":\"deaf_to_sigterm\"}");
    assertThat(berth().post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(isRunning(mark)).isFalse();
  }

  @Test
  @DisplayName("RUN-12 deaths of all kinds")
  void deaths() {
    String id = attacker();
    Answer fault = berth().execute(id, "{\"do\":\"segfault\"}");
    assertThat(fault.code()).as(fault.body()).isEqualTo("plugin_crashed");
    assertThat(fault.json().path("signal").asInt()).isEqualTo(11);
    berth().stillWorks(id);
    Answer child = berth().execute(id, "{\"do\":\"leave_a_child_behind\"}");
    assertThat(child.code()).as(child.body()).isEqualTo("plugin_crashed");
    assertThat(child.json().path("exit_code").asInt()).isEqualTo(7);
    berth().stillWorks(id);
    forgiven(id);
    Answer stopped = berth().execute(id, "{\"do\":\"stop_itself\"}");
    assertThat(stopped.code()).as(stopped.body()).isEqualTo("plugin_timeout");
    berth().stillWorks(id);
  }

  @Test
  @DisplayName("CHN-01 CHN-02 CHN-03 forged, malformed and doubled frames")
  void frames() {
    String id = attacker();
    // Its own call, answered twice: the second is dropped, and the next call has its own.
    assertThat(ask(id, "{\"do\":\"answers_twice\"}").asString()).isEqualTo("first");
    berth().stillWorks(id);
    assertThat(ask(id, "{\"do\":\"gives_descriptors\"}").isEmpty()).isTrue();
    left().hostIsAsUsual();
    refused(id, "{\"do\":\"forged_answer\"}");
    refused(id, "{\"do\":\"closes_all\"}");
    forgiven(id);
    Answer mixed = berth().execute(id, "{\"do\":\"mixes_up\"}");
    assertThat(mixed.status()).as(mixed.body()).isIn(502, 504);
    berth().stillWorks(id);
    for (String hex :
        List.of(
            "00000000", // no length
            "ffffffff", // one that is negative, or four gigabytes
            "80000000",
            "00000004ffffffff", // no UTF-8
            "000000055b5b5b5b5b", // no object
            "0000000268690000000268690000000268")) {
      berth().post("/api/plugins/" + id + "/enable"); // after some of these it is given up
      refused(id, "{\"do\":\"raw\",\"hex\":\"" + hex + "\"}");
    }
  }

  @Test
  @DisplayName("RUN-07 RUN-13 floods of legal frames beside a victim")
  void channelFloods() {
    String id = attacker();
    String victim = running("counter");
    berth().stillWorks(id);
    for (String flood : List.of("progress", "log")) {
      Map<String, Long> before = busy();
      long begun = System.nanoTime();
      CompletableFuture<JsonNode> flooding =
          CompletableFuture.supplyAsync(
              () -> ask(id, "{\"do\":\"floods\",\"with\":\"" + flood + "\"}"));
      while (!flooding.isDone()) {
        assertThat(berth().execute(victim, "{}").status()).isEqualTo(200);
        LockSupport.parkNanos(20_000_000);
      }
      double nanos = System.nanoTime() - begun;
      Map<String, Long> after = busy();
      assertThat(flooding.join().path("bytes").asLong()).as(flood).isPositive();
      after.forEach((thread, used) ->
          assertThat((used - before.getOrDefault(thread, 0L)) / nanos)
              .as("share of a CPU that a thread of the host had: " + flood + ", " + thread)
              .isLessThan(0.25));
      berth().stillWorks(id);
    }
    refused(id, "{\"do\":\"floods\",\"with\":\"cancelling\"}");
    refused(id, "{\"do\":\"floods\",\"with\":\"late\"}");
  }

  /** What each Java thread of this process has had of the CPUs, in ns, by its name and id. */
  private static Map<String, Long> busy() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    var out = new HashMap<String, Long>();
    for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null) {
        long id = thread.getThreadId();
        out.put(thread.getThreadName() + " " + id, threads.getThreadCpuTime(id));
      }
    }
    return out;
  }

  /** Its crashes are forgotten, so that the next start does not wait longer than a call may. */
  private void forgiven(String id) {
    assertThat(berth().post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(berth().post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
  }

  private void refused(String id, String context) {
    Answer answer = berth().execute(id, context);
    assertThat(answer.status()).as(context + ": " + answer.body()).isEqualTo(502);
    assertThat(answer.code()).as(answer.body()).isIn("plugin_protocol_error", "plugin_crashed");
    berth().post("/api/plugins/" + id + "/enable");
    berth().stillWorks(id);
  }
}
