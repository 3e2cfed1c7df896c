package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Images that plugins bring, on a real engine. */
@Timeout(180)
@EnabledIf(
    value = "dev.berth.dist.DockerEngineHere#available",
    disabledReason = "needs a Docker engine that has the image berth-test-python:1")
final class PluginImagesTest {
  private static final String MARK = Long.toString(ProcessHandle.current().pid());

  /** What all images of this test have that Dockerfiles make. */
  private static final String LABEL = "dev.berth.test=" + MARK;

  private static final String MAIN =
      """
      import os

      class P:
          def __init__(self, config):
              pass

          async def execute(self, context):
              return os.path.exists("/own")
      """;

  private static final String MAKES_OWN =
      "RUN [\"python3\", \"-c\", \"open('/own', 'w').close()\"]\n";
  private static final String PASSES = "RUN [\"python3\", \"-c\", \"pass\"]\n";
  private static final String FAILS =
      "RUN [\"python3\", \"-c\", \"print('last words'); raise SystemExit(3)\"]\n";

  private static final AtomicInteger NAMES = new AtomicInteger();

  @TempDir static Path shared;
  private static RunningBerth berth;

  @TempDir Path folder;

  /**
   * An image of this test's, for a host remembers what is behind a name. Its registry is where
   * nobody listens, so that nothing is asked of another machine.
   */
  private final String own = "127.0.0.1:9/berth-test-own:" + MARK + "." + NAMES.incrementAndGet();

  private final Set<String> tags = new HashSet<>();

  private static Hosting hosting(boolean pluginImages) {
    return Hosting.DEFAULT.withIsolation(
        new Hosting.Isolation("docker", false, "zygote", DockerEngineHere.IMAGE, "", pluginImages));
  }

  @BeforeAll
  static void open() {
    berth = new RunningBerth(shared.resolve("data"), hosting(true));
  }

  @AfterAll
  static void close() {
    berth.close();
    assertThat(images()).as("images that nobody needs any more").isEmpty();
  }

  @AfterEach
  void removeTags() {
    for (String tag : tags) {
      docker("rmi", "--force", tag);
    }
  }

  private static String docker(String... arguments) {
    List<String> command = new ArrayList<>(List.of("docker"));
    command.addAll(List.of(arguments));
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said =
          new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
      assertThat(process.waitFor()).as(command + ": " + said).isZero();
      return said;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Names of what the test's Dockerfiles have left, but for what named images are made of. */
  private static List<String> images() {
    return docker("images", "--filter", "label=" + LABEL, "--format", "{{.Repository}}:{{.Tag}}")
        .lines()
        .toList();
  }

  private void make(String name, String commands) throws IOException {
    Path context = Files.createDirectories(folder.resolve("image"));
    Pack.write(context, Map.of("Dockerfile", "FROM " + DockerEngineHere.IMAGE + "\n" + commands));
    docker("build", "--quiet", "--network", "none", "--tag", name, context.toString());
    tags.add(name);
  }

  private Path named(String name, String image) {
    return Pack.plugin(folder, name, "1.0.0", "docker_image: " + image + "\n", MAIN);
  }

  private Path built(String name, String version, String dockerfile) throws IOException {
    return built(name, version, dockerfile, MAIN);
  }

  private Path built(String name, String version, String dockerfile, String main)
      throws IOException {
    Path place = Files.createTempDirectory(folder, "plugin").resolve(name);
    Pack.write(
        place,
        Map.of(
            "plugin.yaml",
            "name: " + name + "\nversion: " + version + "\nmain: main.py\nclass: P\n",
            "main.py",
            main,
            "Dockerfile",
            dockerfile));
    return Pack.tar(place, place.getParent());
  }

  private static String from(String image) {
    return "FROM " + image + "\nLABEL " + LABEL + "\n";
  }

  private static boolean seesOwn(RunningBerth where, String id) {
    return where.result(id, "{}").asBoolean();
  }

  private static String imageOf(String id) {
    return docker("inspect", "--format", "{{.Image}}", id);
  }

  private static void refused(Answer answer, int status, String code, String... said) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.code()).isEqualTo(code);
    assertThat(answer.detail()).contains(said);
  }

  private static void healthSays(RunningBerth where, String id, String why) {
    Eventually.is(
        "health says: " + why,
        () -> where.get("/api/plugins/" + id + "/health").body().contains(why));
  }

  @Test
  void a_volume_of_an_image_is_an_empty_folder_and_leaves_none_with_the_engine()
      throws IOException {
    String main =
        """
        import os

        class P:
            def __init__(self, config):
                pass

            async def execute(self, context):
                return {"read_only": bool(os.statvfs("/scratch").f_flag & os.ST_RDONLY), "in it": os.listdir("/scratch")}
        """;
    String dockerfile =
        "FROM %s\nLABEL %s\nRUN [\"python3\", \"-c\", \"import os; os.makedirs('/scratch/a')\"]\n"
                .formatted(DockerEngineHere.IMAGE, LABEL)
            + "VOLUME /scratch\nVOLUME /site/more\n";
    String before = docker("volume", "ls", "--quiet");
    String id = berth.running(built("volumes", "1.0.0", dockerfile, main));
    assertThat(berth.execute(id, "{}").json().path("result").toString())
        .isEqualTo("{\"read_only\":true,\"in it\":[]}");
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
    assertThat(docker("volume", "ls", "--quiet")).isEqualTo(before);
  }

  @Test
  void a_plugin_runs_in_the_image_it_names_and_another_in_the_usual_one() throws IOException {
    make(own, MAKES_OWN);
    String one = berth.running(named("names-one", own));
    String other = berth.running(Pack.plugin(folder, "names-none", MAIN));
    assertThat(seesOwn(berth, one)).isTrue();
    assertThat(seesOwn(berth, other)).isFalse();
    assertThat(imageOf(one)).isEqualTo(docker("inspect", "--format", "{{.Id}}", own));
    assertThat(imageOf(other)).isNotEqualTo(imageOf(one));
    assertThat(berth.delete("/api/plugins/" + one).status()).isEqualTo(200);
    assertThat(berth.delete("/api/plugins/" + other).status()).isEqualTo(200);
    assertThat(docker("image", "inspect", own)).as("it is the operator's").contains(own);
  }

  @Test
  void an_image_that_is_not_allowed_is_told_by_install_enable_and_health() throws IOException {
    make(own, MAKES_OWN);
    Path archive = named("forbidden", own);
    Path data = folder.resolve("forbidding");
    String id;
    try (var first = new RunningBerth(data)) { // processes have no image
      id = first.running(archive);
    }
    try (var host = new RunningBerth(data, hosting(false))) {
      healthSays(host, id, "which this host does not allow");
      String[] said = {own, "Serve with --docker-plugin-images"};
      refused(host.post("/api/plugins/" + id + "/enable"), 422, "image_not_allowed", said);
      refused(host.upload("/api/plugins/install", archive), 422, "image_not_allowed", said);
    }
  }

  @Test
  void an_image_that_is_nowhere_is_told_and_had_once_it_is_there() throws IOException {
    String[] said = {"The image " + own + " can't be used", "docker pull " + own, "docker_image"};
    Path archive = named("missing", own);
    refused(berth.upload("/api/plugins/install", archive), 503, "sandbox_unavailable", said);
    make(own, MAKES_OWN);
    String id = berth.running(archive);
    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    docker("rmi", "--force", own);
    refused(berth.post("/api/plugins/" + id + "/enable"), 503, "sandbox_unavailable", said);
    make(own, MAKES_OWN);
    assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
    assertThat(seesOwn(berth, id)).isTrue();
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
  }

  @Test
  void a_dockerfile_is_built_and_its_image_goes_with_the_package() throws IOException {
    String stages = from(DockerEngineHere.IMAGE) + PASSES + from(DockerEngineHere.IMAGE);
    String id = berth.running(built("builds", "1.0.0", stages + MAKES_OWN));
    assertThat(seesOwn(berth, id)).isTrue();
    List<String> first = images();
    assertThat(first).as("no stage is left").hasSize(1);
    Answer updated =
        berth.upload("/api/plugins/" + id + "/update", built("builds", "2.0.0", stages));
    assertThat(updated.status()).as(updated.body()).isEqualTo(200);
    assertThat(seesOwn(berth, id)).isFalse();
    assertThat(images()).hasSize(1).isNotEqualTo(first);
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
    assertThat(images()).isEmpty();
  }

  @Test
  void a_dockerfile_that_fails_shows_its_output_and_leaves_nothing() throws IOException {
    Path archive = built("fails", "1.0.0", from(DockerEngineHere.IMAGE) + MAKES_OWN + FAILS);
    refused(
        berth.upload("/api/plugins/install", archive),
        502,
        "plugin_start_failed",
        "returned a non-zero code: 3",
        "last words");
    assertThat(images()).isEmpty();
    assertThat(docker("ps", "--all", "--filter", "label=" + LABEL, "--quiet")).isEmpty();
  }

  @Test
  void a_build_that_failed_is_told_by_health_and_the_enable_after_its_repair_works()
      throws IOException {
    Path data = folder.resolve("repaired");
    String id;
    try (var first = new RunningBerth(data)) {
      id = first.running(built("repaired", "1.0.0", from(own)));
    }
    try (var host = new RunningBerth(data, hosting(true))) {
      healthSays(host, id, "its Dockerfile could not be built");
      make(own, MAKES_OWN);
      Eventually.is( // a restart that is under way may still be building
          "it is enabled", () -> host.post("/api/plugins/" + id + "/enable").status() == 200);
      assertThat(seesOwn(host, id)).isTrue();
      assertThat(host.delete("/api/plugins/" + id).status()).isEqualTo(200);
    }
  }

  @Test
  void an_image_whose_python_lacks_a_module_is_told_with_the_module() throws IOException {
    make(
        own,
        "RUN [\"python3\", \"-c\", \"import json, shutil; shutil.rmtree(json.__path__[0])\"]\n");
    String[] said = {"The image " + own, "no module 'json'", "install the whole standard library"};
    refused(
        berth.upload("/api/plugins/install", named("lacks", own)),
        503,
        "sandbox_unavailable",
        said);
  }
}
