package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** An engine that stands still, stops or dies, and a host that dies: one of the test's own. */
@Timeout(300)
@EnabledIf(
    value = "dev.berth.dist.PrivateEngine#possible",
    disabledReason = "needs root, dockerd and the tests' image")
final class DockerEngineDeathTest {
  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir static Path engineFolder;
  private static PrivateEngine engine;

  @TempDir Path folder;
  private String id = "";

  @BeforeAll
  static void launch() {
    engine = new PrivateEngine(engineFolder);
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @BeforeEach
  void open() {
    try (var first = new RunningBerth(folder.resolve("berth"))) { // installed by whatever sandbox
      id = first.running(Pack.tar(Fixtures.plugin("misbehave"), folder));
    }
  }

  @AfterEach
  void reset() {
    engine.reset();
  }

  private ServeProcess serve(String... more) {
    return new ServeProcess(
        folder.resolve("berth"),
        Map.of("DOCKER_HOST", engine.host()),
        java.util.stream.Stream.concat(
                java.util.stream.Stream.of(
                    "--sandbox", "docker", "--docker-image", PrivateEngine.IMAGE),
                java.util.stream.Stream.of(more))
            .toArray(String[]::new));
  }

  private void answers(ServeProcess berth) {
    await(berth, () -> berth.execute(id, "{}").status() == 200);
  }

  private List<String> named() {
    return engine.containers().stream().filter(name -> name.startsWith(id)).toList();
  }

  private void once(ServeProcess berth) {
    await(berth, () -> named().equals(List.of(id + " running")));
  }

  /** The plugin's, and two that wait. */
  private void three(ServeProcess berth) {
    await(
        berth,
        () ->
            engine.containers().stream().filter(line -> line.endsWith(" running")).count() == 3
                && engine.containers().size() == 3);
  }

  private void await(ServeProcess berth, BooleanSupplier condition) {
    try {
      PrivateEngine.await(SOON, condition);
    } catch (AssertionError e) {
      throw new AssertionError(engine.containers() + "\n" + berth.said(), e);
    }
  }

  private static void refusedFast(ServeProcess berth, String path, String body) {
    long start = System.nanoTime();
    Answer answer = berth.post(path, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(503);
    assertThat(answer.code()).isEqualTo("sandbox_unavailable");
    assertThat(answer.detail()).contains("Start Docker (systemctl start docker)");
    // The case's own bound is 5 s; the machine may be busy with others.
    assertThat(System.nanoTime() - start).isLessThan(15_000_000_000L);
  }

  @Test
  @DisplayName("CRA-07 a dockerd that stands still: 503, then all is well again, once")
  void cra07Stands() {
    try (var berth = serve()) {
      answers(berth);
      engine.stand();
      assertThat(berth.execute(id, "{}").status()).as("containers need no dockerd").isEqualTo(200);
      Answer dies = berth.execute(id, "{\"do\":\"dies\"}");
      assertThat(dies.code()).isEqualTo("plugin_crashed");
      refusedFast(berth, "/api/plugins/" + id + "/execute", "{}");
      engine.goOn();
      answers(berth);
      once(berth);
      three(berth);
    }
    assertThat(engine.containers()).isEmpty();
  }

  @Test
  @DisplayName("CRA-07 a dockerd that stops, and one that is killed: 503, then all is well again")
  void cra07Stops() {
    try (var berth = serve()) {
      answers(berth);
      engine.stop();
      // While it was ending, a start may have failed in another way.
      await(berth, () -> berth.execute(id, "{}").detail().contains("Start Docker"));
      refusedFast(berth, "/api/plugins/" + id + "/execute", "{}");
      engine.start();
      answers(berth);
      once(berth);
      engine.die();
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
      assertThat(berth.execute(id, "{\"do\":\"dies\"}").code()).isEqualTo("plugin_crashed");
      refusedFast(berth, "/api/plugins/" + id + "/execute", "{}");
      engine.start();
      answers(berth);
      once(berth);
      three(berth);
    }
    assertThat(engine.containers()).isEmpty();
  }

  @Test
  @DisplayName("CRA-07 the image's name and all containers are removed by somebody else")
  void cra07Removed() {
    try (var berth = serve()) {
      answers(berth);
      engine.docker("rmi", "--force", PrivateEngine.IMAGE); // what is used of it stays
      assertThat(berth.execute(id, "{\"do\":\"dies\"}").code()).isEqualTo("plugin_crashed");
      answers(berth);
      for (String container : engine.docker("ps", "--all", "--quiet").lines().toList()) {
        engine.docker("rm", "--force", container);
      }
      once(berth);
      answers(berth);
      three(berth);
    }
    assertThat(engine.containers()).isEmpty();
  }

  @Test
  @DisplayName("CRA-08 the next host removes the containers of a host that was killed")
  void cra08() {
    try (var berth = serve()) {
      answers(berth);
      three(berth);
      String foreign = engine.docker("create", "--name", "foreign", PrivateEngine.IMAGE, "true");
      assertThat(foreign).hasSize(64);
      berth.killHard();
    }
    List<String> before = engine.docker("ps", "--all", "--quiet", "--no-trunc").lines().toList();
    try (var berth = serve()) {
      answers(berth);
      await(berth, () -> engine.containers().size() == 4);
      assertThat(named()).containsExactly(id + " running");
      assertThat(engine.docker("ps", "--all", "--quiet", "--no-trunc").lines())
          .filteredOn(before::contains)
          .hasSize(1); // the one that isn't ours
    }
    assertThat(engine.containers()).containsExactly("foreign created");
  }

  @Test
  @DisplayName(
      "CRA-08 a plugin that computes without end does not outlive its host in its container")
  void cra08Spins() throws InterruptedException {
    try (var berth = serve()) {
      answers(berth);
      Thread spinning =
          Thread.startVirtualThread(() -> {
            try {
              berth.execute(id, "{\"do\":\"spins\"}");
            } catch (RuntimeException | AssertionError _) {
              // Its server dies.
            }
          });
      String path = "/api/plugins/" + id + "/stats";
      await(berth, () -> berth.get(path).json().path("in_flight").asInt() == 1);
      assertThat(named()).containsExactly(id + " running");
      berth.killHard();
      spinning.join();
    }
    PrivateEngine.await(
        Duration.ofSeconds(10),
        () -> engine.containers().stream().noneMatch(line -> line.endsWith(" running")));
  }

  @Test
  void no_engine_and_no_image_are_said_with_the_remedy() {
    engine.stop();
    try (var berth = serve()) {
      assertThat(berth.failed()).isNotZero();
      assertThat(berth.said()).contains("Start Docker (systemctl start docker)");
    }
    engine.start();
    engine.docker("rmi", PrivateEngine.IMAGE);
    try (var berth = serve()) {
      assertThat(berth.failed()).isNotZero();
      assertThat(berth.said())
          .contains("The image " + PrivateEngine.IMAGE + " can't be used")
          .contains("docker pull " + PrivateEngine.IMAGE);
    }
  }
}
