package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Versions are agreed on, and engines that are slow, silent or gone are told of. */
@Timeout(60)
final class DockerEngineTest {
  private FakeEngine fake;

  @BeforeEach
  void open() throws IOException {
    fake = new FakeEngine();
  }

  @AfterEach
  void close() {
    fake.close();
  }

  private void speaks(String newest, String oldest) {
    fake.on(
        "GET /version",
        FakeEngine.json(
            newest == null
                ? "{\"Version\":\"29.0.0\"}"
                : "{\"ApiVersion\":\"" + newest + "\",\"MinAPIVersion\":\"" + oldest + "\"}"));
  }

  @ParameterizedTest
  @CsvSource({
    "1.40, 1.12, 1.40", // Docker 19.03
    "1.41, 1.12, 1.41",
    "1.43, '',   1.43",
    "1.52, 1.44, 1.52", // Docker 29
    "1.55, 1.55, 1.55",
    "1.99, 1.44, 1.55",
    "1.99, 1.55, 1.55",
  })
  void the_newest_version_that_both_know_is_spoken(String newest, String oldest, String spoken) {
    speaks(newest, oldest);
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      var _ = engine.get("/info");
      assertThat(fake.asked).contains("GET /v" + spoken + "/info");
    }
  }

  @Test
  void an_engine_that_comes_back_as_another_is_agreed_with_anew() throws Exception {
    var begun = new CountDownLatch(1);
    var away = new CountDownLatch(1);
    var back = new CompletableFuture<String>();
    fake.on(
        "GET /events",
        exchange -> {
          OutputStream _ = FakeEngine.begin(exchange);
          if (away.getCount() > 0) {
            begun.countDown();
            await(away);
            throw new IOException("restarted");
          }
          back.complete(exchange.getRequestURI().getPath());
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host());
        ContainerEvents events = new ContainerEvents(engine, "boot", Map.of())) {
      events.follow(() -> {});
      await(begun);
      speaks("1.52", "1.44");
      away.countDown();
      assertThat(back.get(20, TimeUnit.SECONDS)).isEqualTo("/v1.52/events");
    }
  }

  private PluginException refused() {
    return catchThrowableOfType(
        PluginException.class, () -> DockerEngine.connect(fake.host()).close());
  }

  @Test
  void an_engine_that_is_too_old_or_too_new_is_refused_with_the_remedy() {
    speaks("1.39", "1.12");
    assertThat(refused().code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
    assertThat(refused())
        .hasMessage(
            "The Docker engine at "
                + fake.host()
                + " can't be used: it speaks API 1.12 to 1.39, and Berth speaks 1.40 to 1.55."
                + " Update the engine to Docker 19.03 or later.");
    speaks("1.70", "1.56");
    assertThat(refused().code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
    assertThat(refused())
        .hasMessage(
            "The Docker engine at "
                + fake.host()
                + " can't be used: it speaks API 1.56 to 1.70, and Berth speaks 1.40 to 1.55."
                + " Update Berth, or set \"min-api-version\": \"1.55\" in the engine's daemon.json.");
  }

  @Test
  void what_names_no_version_is_not_an_engine() {
    speaks(null, "");
    assertThat(refused()).hasMessageContaining("is not a Docker engine: it names no version");
  }

  @Test
  void a_pull_may_be_slow_to_begin_as_long_as_the_engine_answers_others() throws IOException {
    var pings = new CountDownLatch(3);
    fake.on(
        "GET /_ping",
        exchange -> {
          pings.countDown();
          FakeEngine.json("{}").handle(exchange);
        });
    fake.on(
        "POST /images/create",
        exchange -> {
          await(pings);
          fake.has("slow:1");
          FakeEngine.json("{\"status\":\"Status: Downloaded newer image for slow:1\"}\n")
              .handle(exchange);
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      assertThat(find(engine).python().version()).isEqualTo("3.12.1");
    }
  }

  @Test
  void a_pull_from_an_engine_that_stands_still_is_given_up() throws Exception {
    var over = new CountDownLatch(1);
    var broken = new CompletableFuture<Boolean>();
    fake.on("GET /_ping", exchange -> await(over));
    fake.on(
        "POST /images/create",
        exchange -> {
          await(over);
          try (OutputStream body = FakeEngine.begin(exchange)) {
            for (int i = 0; i < 1 << 14; i++) {
              body.write(new byte[1 << 10]); // taken by nobody, and at last refused
            }
            broken.complete(false);
          } catch (IOException e) {
            broken.complete(true);
          }
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      assertUnavailable(engine, "it did not answer within 3 s. Start Docker");
      over.countDown();
      assertThat(broken.get(20, TimeUnit.SECONDS)).as("the request is aborted").isTrue();
    }
  }

  @Test
  void a_pull_is_given_up_also_when_the_engine_stands_still_after_it_began() throws Exception {
    var over = new CountDownLatch(1);
    fake.on("GET /_ping", exchange -> await(over));
    fake.on(
        "POST /images/create",
        exchange -> {
          OutputStream _ = FakeEngine.begin(exchange, "{\"status\":\"Pulling from slow\"}");
          await(over);
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      assertUnavailable(engine, "it did not answer within 3 s. Start Docker");
    } finally {
      over.countDown();
    }
  }

  private static DockerImage find(DockerEngine engine) {
    return new ImageFinder(engine, "i", "slow:1", "Mend it.", _ -> {}).find();
  }

  private static void assertUnavailable(DockerEngine engine, String why) {
    assertThatThrownBy(() -> find(engine))
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
              assertThat(e).hasMessageContaining(why);
            });
  }

  @Test
  void an_engine_that_goes_away_instead_of_an_answer_is_told_of_in_words() {
    fake.on(
        "POST /containers/c/start",
        _ -> {
          throw new IOException("gone");
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      assertThatThrownBy(() -> engine.post("/containers/c/start", null))
          .hasMessageContaining("can't be used: the connection broke. Start Docker");
    }
  }

  @Test
  void an_engine_that_goes_away_in_the_middle_of_a_pull_is_told_of() {
    fake.on(
        "POST /images/create",
        exchange -> {
          OutputStream _ = FakeEngine.begin(exchange, "{\"status\":\"Pulling from slow\"}");
          throw new IOException("gone");
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      assertUnavailable(engine, "the connection broke");
    }
  }

  @Test
  void what_is_no_json_is_told_of() {
    fake.on("POST /images/create", FakeEngine.json("<html>\n"));
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      assertUnavailable(engine, "it answered what is not JSON");
    }
  }

  @Test
  void an_engine_that_goes_away_in_the_middle_of_a_build_is_told_of(@TempDir Path folder)
      throws IOException {
    Path runtime = RuntimeFiles.unpack(folder);
    Path workspace = Files.createDirectories(folder.resolve("package"));
    Files.writeString(workspace.resolve("Dockerfile"), "FROM scratch\n");
    fake.on(
        "POST /build",
        exchange -> {
          OutputStream _ = FakeEngine.begin(exchange, "{\"stream\":\"Step 1/1 : FROM scratch\"}");
          throw new IOException("gone");
        });
    try (DockerEngine engine = DockerEngine.connect(fake.host())) {
      Path python = PythonInterpreter.find().executable();
      var build = new PluginBuild(engine, "i", python, runtime, folder.resolve("builds"));
      assertThatThrownBy(() -> build.image(workspace, _ -> {}))
          .isInstanceOfSatisfying(
              PluginException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE));
    }
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
