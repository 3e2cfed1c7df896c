package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.http.HttpMethod;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Builds that are cut off, on a real engine. */
@Timeout(120)
@EnabledIf(
    value = "dev.berth.sandbox.SeccompProfileTest#engine",
    disabledReason = "needs a Docker engine with the tests' image")
final class PluginBuildTest {
  private static final AtomicInteger NUMBERS = new AtomicInteger();
  private static final Path PYTHON = PythonInterpreter.find().executable();

  @TempDir Path folder;
  private Path workspace;
  private final DockerEngine engine = DockerEngine.connect(System.getenv("DOCKER_HOST"));
  private final ExecutorService others = Executors.newCachedThreadPool();

  /** What all images and containers of a build have. */
  private final String label =
      "dev.berth.test=" + ProcessHandle.current().pid() + "." + NUMBERS.incrementAndGet();

  @BeforeEach
  void make() throws IOException {
    workspace = Files.createDirectories(folder.resolve("package"));
    Files.writeString(
        workspace.resolve("Dockerfile"),
        """
        FROM %s
        LABEL %s
        RUN ["python3", "-c", "open('/own', 'w').close()"]
        RUN ["python3", "-c", "import time; time.sleep(600)"]
        """
            .formatted(SeccompProfileTest.IMAGE, label));
  }

  @AfterEach
  void close() {
    engine.close();
    others.shutdownNow();
  }

  private String labelled(String event) {
    return DockerEngine.encoded("{\"label\":[\"" + label + "\"]" + event + "}");
  }

  /** Begins a build and waits until its last step sleeps. */
  private Future<?> begin(Runnable build) throws InterruptedException {
    var following = new CountDownLatch(1);
    var steps = new CountDownLatch(2);
    String events = "/events?filters=" + labelled(",\"event\":[\"start\"]");
    Future<?> _ =
        others.submit(() ->
            engine.stream(HttpMethod.GET, events, following::countDown, _ -> steps.countDown()));
    assertThat(following.await(20, TimeUnit.SECONDS)).isTrue();
    Future<?> building = others.submit(build);
    assertThat(steps.await(60, TimeUnit.SECONDS)).as("the build sleeps").isTrue();
    return building;
  }

  /** Ids of the images and containers that are with the engine. */
  private List<String> left() {
    return List.of("/images/json?all=1", "/containers/json?all=1").stream()
        .map(what -> engine.get(what + "&filters=" + labelled("")).body())
        .flatMap(JsonNode::valueStream)
        .map(row -> row.path("Id").asString())
        .toList();
  }

  @Test
  void of_a_build_that_a_closing_sandbox_cuts_off_nothing_is_left() throws Exception {
    var settings =
        DockerSandboxSettings.of(folder.resolve("data"), PYTHON)
            .withImage(SeccompProfileTest.IMAGE, true)
            .withParked(0);
    Future<?> building;
    try (DockerSandbox sandbox = DockerSandbox.open(settings)) {
      building = begin(() -> sandbox.python("", workspace, _ -> {}));
      assertThat(left()).as("steps").isNotEmpty();
    }
    assertThat(left()).isEmpty();
    assertThatThrownBy(() -> building.get(20, TimeUnit.SECONDS))
        .hasMessageContaining("The sandbox is closed.");
  }

  @Test
  void what_a_dead_host_was_building_the_next_one_deletes() throws Exception {
    Path notes = folder.resolve("builds");
    Path runtime = RuntimeFiles.unpack(folder);
    DockerEngine dying = DockerEngine.connect(System.getenv("DOCKER_HOST"));
    var builds = new PluginBuild(dying, "abc", PYTHON, runtime, notes);
    Future<?> building = begin(() -> builds.image(workspace, _ -> {}));
    dying.close(); // which the engine sees likewise
    assertThatThrownBy(() -> building.get(20, TimeUnit.SECONDS)).hasMessageContaining("engine");
    assertThat(left()).isNotEmpty();
    new PluginBuild(engine, "abc", PYTHON, runtime, notes).reap();
    assertThat(left()).isEmpty();
    assertThat(notes).isEmptyDirectory();
  }
}
