package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How images are had, against an engine that does as the test says. */
@Timeout(60)
final class ContainerImagesTest {
  private static final String LABELLED = "GET /v1.43/images/json?filters=";

  @TempDir Path folder;
  private FakeEngine fake;
  private DockerEngine engine;
  private ContainerImages images;
  private final ExecutorService others = Executors.newCachedThreadPool();

  @BeforeEach
  void open() throws IOException {
    fake = new FakeEngine();
    engine = DockerEngine.connect(fake.host());
    var settings =
        DockerSandboxSettings.of(folder, PythonInterpreter.find().executable())
            .withImage("usual:1", true);
    images =
        new ContainerImages(
            settings, engine, "abc", RuntimeFiles.unpack(folder), folder.resolve("builds"));
  }

  @AfterEach
  void close() {
    fake.close();
    engine.close();
    others.shutdownNow();
  }

  private Path dockerfile(String name) throws IOException {
    Path workspace = Files.createDirectories(folder.resolve(name));
    Files.writeString(workspace.resolve("Dockerfile"), "FROM scratch\n");
    return workspace;
  }

  /** Where a ConcurrentHashMap of the usual size would put it. */
  private static int bin(String key) {
    int hash = key.hashCode();
    return (hash ^ hash >>> 16) & 15;
  }

  @Test
  void a_pull_holds_nobody_who_wants_another_image() throws Exception {
    var over = new CountDownLatch(1);
    var begun = new CountDownLatch(1);
    fake.on(
        "POST /images/create",
        exchange -> {
          begun.countDown();
          await(over);
          fake.has("slow:1");
          FakeEngine.json("{\"status\":\"Status: done\"}\n").handle(exchange);
        });
    Future<DockerImage> slow = others.submit(() -> images.get("slow:1", _ -> {}));
    await(begun);
    for (int i = 0; i < 64; i++) {
      String name = "quick" + i + ":1";
      if (bin(name) == bin("slow:1")) {
        fake.has(name);
        Future<DockerImage> quick = others.submit(() -> images.get(name, _ -> {}));
        assertThat(quick.get(20, TimeUnit.SECONDS).id()).isEqualTo("sha256:" + name);
      }
    }
    over.countDown();
    assertThat(slow.get(20, TimeUnit.SECONDS).id()).isEqualTo("sha256:slow:1");
  }

  @Test
  void an_image_is_built_once_however_many_want_it() throws Exception {
    Path workspace = dockerfile("package");
    String name = PluginBuild.name(workspace);
    var over = new CountDownLatch(1);
    var begun = new CountDownLatch(1);
    fake.on(
        "POST /build",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          begun.countDown();
          await(over);
          fake.has(name);
          FakeEngine.json("{\"stream\":\"Successfully built\"}\n").handle(exchange);
        });
    Future<String> first = others.submit(() -> images.nameOf("", workspace, _ -> {}));
    await(begun);
    var second = new CompletableFuture<String>();
    Thread asks =
        Thread.ofPlatform().start(() -> second.complete(images.nameOf("", workspace, _ -> {})));
    while (asks.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    over.countDown();
    assertThat(first.get(20, TimeUnit.SECONDS)).isEqualTo(name);
    assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo(name);
    assertThat(fake.count("POST /v1.43/build")).isEqualTo(1);
  }

  @Test
  void all_who_wait_for_a_pull_are_told_how_far_it_is() throws Exception {
    var told = new CopyOnWriteArrayList<String>();
    var joined = new CountDownLatch(1);
    var begun = new CountDownLatch(1);
    fake.on(
        "POST /images/create",
        exchange -> {
          begun.countDown();
          await(joined);
          try (OutputStream body =
              FakeEngine.begin(
                  exchange,
                  "{\"status\":\"Pulling from big\",\"id\":\"1\"}",
                  "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aa\"}")) {
            for (int i = 0; i < 20_000; i++) {
              body.write(
                  ("{\"status\":\"Downloading\",\"id\":\"aa\",\"progressDetail\":{\"current\":"
                          + i
                          + ",\"total\":20000}}\n")
                      .getBytes(StandardCharsets.UTF_8));
            }
            fake.has("big:1");
          }
        });
    Future<DockerImage> first = others.submit(() -> images.get("big:1", _ -> {}));
    await(begun);
    Thread asks = Thread.ofPlatform().start(() -> images.get("big:1", told::add));
    while (asks.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    joined.countDown();
    assertThat(first.get(20, TimeUnit.SECONDS).id()).isEqualTo("sha256:big:1");
    asks.join();
    assertThat(told).first().asString().isEqualTo("pulling big:1: 0 of 1 layers");
    assertThat(told).as("a line each three seconds").hasSizeLessThan(10);
    assertThat(fake.count("POST /v1.43/images/create")).isEqualTo(1);
  }

  @Test
  void a_build_that_nobody_waits_for_any_more_ends_and_leaves_nothing() throws Exception {
    String step = "abcdef123456";
    fake.on(
        "GET /images/" + step + "/json",
        FakeEngine.json("{\"Created\":\"" + Instant.now().plusSeconds(60) + "\"}"));
    var begun = new CountDownLatch(1);
    var deleted = new CountDownLatch(1);
    var broken = new CountDownLatch(1);
    fake.on(
        "DELETE /images/" + step,
        exchange -> {
          deleted.countDown();
          FakeEngine.json("[]").handle(exchange);
        });
    fake.on(
        "POST /build",
        exchange -> {
          exchange.getRequestBody().readAllBytes();
          OutputStream body = FakeEngine.begin(exchange, "{\"stream\":\" ---> " + step + "\\n\"}");
          begun.countDown();
          await(deleted);
          try {
            while (true) { // until the connection is known to be gone
              body.write(new byte[1 << 16]);
            }
          } catch (IOException e) {
            broken.countDown();
            throw e;
          }
        });
    Path workspace = dockerfile("package");
    var waiting = new CompletableFuture<String>();
    Thread asks =
        Thread.ofPlatform()
            .start(() -> {
              try {
                waiting.complete(images.nameOf("", workspace, _ -> {}));
              } catch (RuntimeException e) {
                waiting.completeExceptionally(e);
              }
            });
    await(begun);
    assertThat(images.has("", workspace)).isFalse();
    asks.interrupt();
    assertThatThrownBy(() -> waiting.get(20, TimeUnit.SECONDS))
        .cause()
        .isInstanceOfSatisfying(
            PluginException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.CANCELLED));
    await(deleted);
    await(broken);
  }

  @Test
  void an_image_that_is_there_need_not_be_had_and_one_that_was_removed_must() throws Exception {
    Path workspace = dockerfile("package");
    assertThat(images.has("theirs:1", workspace)).isFalse();
    fake.has("theirs:1");
    assertThat(images.has("theirs:1", workspace)).isTrue();
    DockerImage theirs = images.get("theirs:1", _ -> {});
    fake.has(theirs.id());
    fake.on("GET /images/theirs:1/json", FakeEngine.status(404, "{}"));
    assertThat(images.has("theirs:1", workspace)).as("without its name").isTrue();
    fake.on("GET /images/" + theirs.id() + "/json", FakeEngine.status(404, "{}"));
    assertThat(images.has("theirs:1", workspace)).isFalse();
    assertThatThrownBy(() -> images.get("theirs:1", _ -> {})).hasMessageContaining("can't be used");
  }

  @Test
  void the_remedy_is_for_whoever_named_the_image() throws Exception {
    fake.on(
        "POST /images/create", FakeEngine.status(404, "{\"message\":\"pull access denied\"}\n"));
    assertThatThrownBy(images::usual)
        .hasMessageContaining("The image usual:1 can't be used")
        .hasMessageContaining("can't pull it (pull access denied)")
        .hasMessageEndingWith("Name another with --docker-image, one with Python 3.9 or later.");
    assertThatThrownBy(() -> images.get("theirs:1", _ -> {}))
        .hasMessageContaining("plugin.yaml names it (docker_image)")
        .hasMessageNotContaining("--docker-image");
    assertThatThrownBy(() -> images.get(PluginBuild.name(dockerfile("p")), _ -> {}))
        .hasMessageContaining("The Dockerfile in the plugin's package makes it")
        .hasMessageNotContaining("--docker-image");
  }

  @Test
  void an_error_of_a_newer_engine_is_read_too() {
    fake.on(
        "POST /images/create",
        FakeEngine.json("{\"errorDetail\":{\"message\":\"no space left on device\"}}\n"));
    assertThatThrownBy(images::usual)
        .hasMessageContaining("can't pull it (no space left on device)");
  }

  @Test
  void images_of_packages_that_are_gone_are_deleted_and_no_others() throws IOException {
    Path kept = dockerfile("kept");
    Path gone = dockerfile("gone");
    Path held = dockerfile("held");
    fake.on(
        "GET /images/json",
        FakeEngine.json(
            "[{\"RepoTags\":[\"%s\",\"mine:1\",\"%s\"]},{\"RepoTags\":null},{\"RepoTags\":[\"%s\"]}]"
                .formatted(
                    PluginBuild.name(kept), PluginBuild.name(gone), PluginBuild.name(held))));
    fake.on("DELETE /images/" + PluginBuild.name(gone), FakeEngine.json("[]"));
    fake.on(
        "DELETE /images/" + PluginBuild.name(held),
        FakeEngine.status(409, "{\"message\":\"container 1 is using it\"}"));
    PluginException left =
        catchThrowableOfType(
            PluginException.class, () -> images.keepOnly(Set.of(kept), () -> fake.asked.add("-")));
    assertThat(left.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
    assertThat(left)
        .hasMessageContaining(PluginBuild.name(held) + " (container 1 is using it)")
        .hasMessageNotContaining(PluginBuild.name(gone));
    List<String> asked = fake.asked.subList(1, fake.asked.size());
    assertThat(asked.getFirst())
        .isEqualTo(LABELLED + DockerEngine.encoded("{\"label\":[\"dev.berth.plugin=abc\"]}"));
    assertThat(asked.subList(1, asked.size()))
        .containsExactly(
            "-",
            "DELETE /v1.43/images/" + PluginBuild.name(gone),
            "DELETE /v1.43/images/" + PluginBuild.name(held));
  }

  private static void await(CountDownLatch latch) throws IOException {
    try {
      if (!latch.await(30, TimeUnit.SECONDS)) {
        throw new IOException("never");
      }
    } catch (InterruptedException e) {
      throw new IOException(e);
    }
  }
}
