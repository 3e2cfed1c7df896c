package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Each limit: the plugin is told or killed, the call names it with its value, the next one works.
 */
@Timeout(180)
@RootOnly("without root some limits can't be had")
final class LimitTest {
  @TempDir Path folder;

  private static void meets(
      RunningBerth berth, String id, String what, int status, String limit, long value) {
    Answer answer = berth.execute(id, "{\"do\":\"" + what + "\"}");
    assertThat(answer.status()).as(what + ": " + answer.body()).isEqualTo(status);
    assertThat(answer.json().path("limit").asString("")).as(answer.body()).isEqualTo(limit);
    assertThat(answer.json().path("limit_value").asLong()).as(answer.body()).isEqualTo(value);
    assertThat(answer.detail()).contains(Long.toString(value));
    Answer next = berth.execute(id, "{\"do\":\"nothing\"}");
    assertThat(next.status()).as("after " + what + ": " + next.body()).isEqualTo(200);
  }

  /** What has been tidied up when the error gets out can't be told: each is named. */
  private static void meetsOneOf(RunningBerth berth, String id, String what) {
    Answer answer = berth.execute(id, "{\"do\":\"" + what + "\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(502);
    assertThat(answer.json().has("limit")).as(answer.body()).isFalse();
    assertThat(answer.json().path("limits").toString())
        .isEqualTo("{\"data_mb\":16,\"data_files\":4096,\"tmp_mb\":64,\"tmp_files\":16384}");
  }

  @ParameterizedTest(name = "RUN-02 RUN-05 each limit is named with its value, {0}")
  @EnumSource(Kinds.class)
  void each_limit_is_named_with_its_value(Kinds kind) {
    try (var berth = new RunningBerth(folder.resolve("data"), Hostings.data(kind.hosting(), 16))) {
      String id = berth.running(Pack.tar(Fixtures.plugin("greedy"), folder));
      meets(berth, id, "files", 502, "open_files", 1024);
      meets(berth, id, "disk", 502, "data_mb", 16);
      meets(berth, id, "tmp", 502, "tmp_mb", 64);
      meets(berth, id, "disk_files", 502, "data_files", 4096);
      meets(berth, id, "tmp_files", 502, "tmp_files", 16_384);
      meetsOneOf(berth, id, "disk_tidily");
      meets(berth, id, "huge_file", 502, "file_mb", 1024);
      meets(berth, id, "threads", 502, "pids", 128);
      meets(berth, id, "forks", 502, "pids", 128);
      Answer locked = berth.execute(id, "{\"do\":\"locks\"}");
      assertThat(locked.detail()).contains("BlockingIOError").doesNotContain("It met the limit");
      meets(berth, id, "waits", 504, "timeout_seconds", 3);
      meets(berth, id, "memory", 502, "memory_mb", 192);
    }
  }

  @Test
  void more_than_the_operators_maximum_is_refused_at_install() throws IOException {
    Path copy = Files.createDirectories(folder.resolve("vast"));
    Files.copy(Fixtures.plugin("greedy").resolve("main.py"), copy.resolve("main.py"));
    Files.writeString(
        copy.resolve("plugin.yaml"),
        """
        name: vast
        version: 1.0.0
        description: x
        class: Greedy
        resources: {memory_mb: 300, cpu_shares: 3000, timeout_seconds: 20}
        """);
    var hosting = Hostings.PROCESS.withMaxima(new Hosting.Maxima(256, 2048, 10, 1, 128, 256));
    try (var berth = new RunningBerth(folder.resolve("data"), hosting)) {
      Answer answer = berth.upload("/api/plugins/install", Pack.tar(copy, folder));
      assertThat(answer.status()).isEqualTo(422);
      assertThat(answer.detail())
          .contains("resources.memory_mb: expected 16 to 256 (this host's limit), got 300")
          .contains("resources.cpu_shares: expected 2 to 2048")
          .contains("resources.timeout_seconds: expected 1 to 10");
    }
  }
}
