package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What docs/openapi.yaml says of a problem is what failures have: each member it names is there in
 * one of them. That none has another, {@link RunningBerth} sees to in all tests.
 */
@Timeout(180)
final class ProblemMembersTest {
  private static final String MAIN =
      """
      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              return {}
      """;
  private static final String POOR =
      """
      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              raise MemoryError() if context["lacks"] == "memory" else OSError(28, "No space left on device")
      """;
  private static final String COMMANDS = "commands:\n  - name: /roll\n";

  @TempDir Path folder;

  private final Set<String> seen = new TreeSet<>();

  @Test
  void every_member_of_a_problem_is_one_of_a_failure() throws IOException {
    try (var berth = new RunningBerth(folder.resolve("data"))) {
      installing(berth);
      settings(berth);
      requests(berth);
      calls(berth);
    }

    Set<String> documented = ProblemSchema.members();
    assertThat(documented.remove("permission"))
        .as("no call is denied before there is anything to ask the host for")
        .isTrue();
    if (!RootOnly.Condition.isRoot()) {
      documented.remove("limits"); // without a size for /data there is one that may be full
    }
    assertThat(seen).isEqualTo(documented);
  }

  private void installing(RunningBerth berth) throws IOException {
    refused(berth, Files.writeString(folder.resolve("text.tar.gz"), "no archive"));
    Path linked = Files.createDirectories(folder.resolve("linked"));
    Files.createSymbolicLink(linked.resolve("main.py"), Path.of("plugin.yaml"));
    refused(berth, Pack.tar(linked, folder));
    refused(berth, Pack.tar(Fixtures.plugin("manifest-broken"), folder));
    refused(berth, Pack.tar(Fixtures.plugin("dependency-unresolvable"), folder));
    Path first = Pack.plugin(folder, "first", "1.0.0", COMMANDS, MAIN);
    berth.install(first);
    refused(berth, first);
    refused(berth, Pack.plugin(folder, "second", "1.0.0", COMMANDS, MAIN));
  }

  private void settings(RunningBerth berth) {
    String id = berth.install(Pack.tar(Fixtures.plugin("configured"), folder));
    failed(berth.post("/api/plugins/" + id + "/enable"));
    failed(berth.put("/api/plugins/" + id + "/config", "{\"times\":99}"));
  }

  private void requests(RunningBerth berth) {
    failed(berth.post("/api/keys", "{\"nam\":\"x\"}"));
    failed(berth.post("/api/keys", "{\"name\":\"" + "x".repeat(2 << 20) + "\"}"));
  }

  private void calls(RunningBerth berth) {
    String id = berth.running(Pack.tar(Fixtures.plugin("misbehave"), folder));
    failed(berth.execute(id, "{\"do\":\"raises\"}"));
    failed(berth.execute(id, "{\"do\":\"dies\"}"));
    failed(berth.execute(id, "{\"do\":\"segfault\"}"));
    berth.stillWorks(id); // its worker is back, so that what follows is about no start
    String poor = berth.running(Pack.plugin(folder, "poor", POOR));
    failed(berth.execute(poor, "{\"lacks\":\"memory\"}"));
    failed(berth.execute(poor, "{\"lacks\":\"room, somewhere\"}"));
    String call = "/api/plugins/" + id + "/execute";
    try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      // The one that takes no cancelling takes the other with it.
      var other =
          CompletableFuture.supplyAsync(
              () -> berth.execute(id, "{\"do\":\"sleep\",\"seconds\":60}"), threads);
      while (berth.get("/api/plugins/" + id + "/stats").json().path("in_flight").asInt() == 0) {
        Thread.onSpinWait();
      }
      failed(berth.post(call, "{\"context\":{\"do\":\"never\"},\"timeout_seconds\":1}"));
      failed(other.join());
    }
  }

  private void refused(RunningBerth berth, Path archive) {
    failed(berth.upload("/api/plugins/install", archive));
  }

  private void failed(Answer answer) {
    assertThat(answer.status()).as(answer.body()).isGreaterThanOrEqualTo(400);
    seen.addAll(answer.json().propertyNames());
  }
}
