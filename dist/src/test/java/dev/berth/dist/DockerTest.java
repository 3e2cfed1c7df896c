package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** The main job in containers of a real engine. */
@Timeout(180)
@EnabledIf(
    value = "dev.berth.dist.DockerEngineHere#available",
    disabledReason = "needs a Docker engine that has the image berth-test-python:1")
final class DockerTest {
  @TempDir Path folder;

  private RunningBerth berth;

  @BeforeEach
  void open() {
    berth = new RunningBerth(folder.resolve("data"), Kinds.DOCKER.hosting());
  }

  @AfterEach
  void close() {
    berth.close();
    assertThat(containers()).as("after the host's end").isEmpty();
  }

  @Test
  void a_plugin_keeps_its_files_from_one_container_to_the_next() {
    String id = berth.running(Pack.tar(Fixtures.plugin("counter"), folder));
    Answer first = berth.execute(id, "{}");
    assertThat(first.status()).as(first.body()).isEqualTo(200);
    JsonNode before = first.json().path("result");
    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
    JsonNode after = berth.execute(id, "{}").json().path("result");
    assertThat(after).as(before.toString()).isNotEqualTo(before);
    assertThat(berth.get("/api/isolation").json().path("kind").asString()).isEqualTo("docker");
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
  }

  /** The ids of this host's containers. */
  private List<String> containers() {
    try {
      String installation = Files.readString(berth.data().resolve("run/installation")).strip();
      return docker(
              "ps",
              "--all",
              "--no-trunc",
              "--quiet",
              "--filter",
              "label=dev.berth.installation=" + installation)
          .lines()
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String docker(String... arguments) {
    List<String> command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(command.toString()).isZero();
      return said.strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  @Test
  @RootOnly("without root there is a container for each start, and none waits")
  void a_start_takes_a_container_that_waits_and_killed_ones_are_replaced() {
    String id = berth.install(Pack.tar(Fixtures.plugin("counter"), folder));
    Eventually.is("two containers wait", () -> containers().size() == 2);
    List<String> waited = containers();
    assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
    assertThat(waited).contains(docker("inspect", "--format", "{{.Id}}", id));
    Eventually.is("another waits in its place", () -> containers().size() == 3);

    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    Eventually.is("the plugin's is gone", () -> containers().size() == 2);
    List<String> killed = containers();
    docker("kill", killed.getFirst(), killed.getLast());
    Answer enabled = berth.post("/api/plugins/" + id + "/enable");
    assertThat(enabled.status()).as(enabled.body()).isEqualTo(200);
    assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
    Eventually.is(
        "two others wait",
        () -> containers().size() == 3 && containers().stream().noneMatch(killed::contains));
  }
}
