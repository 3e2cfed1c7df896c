package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Containers that have a kernel of their own, by gVisor in a real engine. */
@Timeout(180)
@EnabledIf(
    value = "possible",
    disabledReason = "needs root, and a Docker engine that has the runtime berth-test-gvisor")
final class GvisorTest {
  /** What ./verify's engine calls it, so that it is used only where it is asked for. */
  private static final String RUNTIME = "berth-test-gvisor";

  @TempDir static Path shared;
  private static LoopbackServer web;
  private static Path photos;
  private static Path notes;
  private static RunningBerth berth;

  @TempDir Path folder;

  static boolean possible() {
    return DockerEngineHere.available()
        && DockerEngineHere.hasRuntime(RUNTIME)
        && "root".equals(System.getProperty("user.name"));
  }

  private static Hosting hosting(String sandbox, String runtime) {
    return Hostings.data(
        Hosting.DEFAULT.withIsolation(
            new Hosting.Isolation(
                sandbox, false, "zygote", DockerEngineHere.IMAGE, runtime, false)),
        16);
  }

  @BeforeAll
  static void open() throws IOException {
    web = new LoopbackServer();
    photos = Files.createDirectories(shared.resolve("photos"));
    notes = Files.createDirectories(shared.resolve("notes"));
    Files.writeString(photos.resolve("one"), "a photo");
    Files.setAttribute(photos, "unix:uid", 1234);
    Files.setAttribute(photos.resolve("one"), "unix:uid", 1234);
    Hosting hosting =
        Hostings.reaching(hosting("docker", RUNTIME), web.place())
            .withFolders(List.of("reader=" + photos, "reader=" + notes + ":rw"));
    berth = new RunningBerth(shared.resolve("data"), hosting);
  }

  @AfterAll
  static void nothingIsLeft() {
    LeftBehind left = LeftBehind.watch(berth);
    berth.close();
    web.close();
    left.nothing();
  }

  private String running(String fixture) {
    return berth.running(Pack.tar(Fixtures.plugin(fixture), folder));
  }

  @Test
  void a_worker_has_a_kernel_that_is_not_the_hosts() throws IOException {
    JsonNode isolation = berth.get("/api/isolation").json();
    assertThat(isolation.path("enforced").toString())
        .contains("kernel_of_its_own", "data_size_limit", "uid_per_plugin");
    assertThat(isolation.path("missing")).isEmpty();
    String main =
        """
        import os

        class P:
            def __init__(self, config):
                pass

            async def execute(self, context):
                return {"release": os.uname().release, "uid": os.getuid()}
        """;
    String id = berth.running(Pack.plugin(folder, "kernel", main));
    JsonNode seen = berth.result(id, "{}");
    assertThat(seen.path("release").asString())
        .isNotEmpty()
        .isNotEqualTo(Files.readString(Path.of("/proc/sys/kernel/osrelease")).strip());
    assertThat(seen.path("uid").asInt()).isGreaterThanOrEqualTo(200_000);
    JsonNode stats = berth.get("/api/plugins/" + id + "/stats").json();
    assertThat(stats.path("status").asString()).isEqualTo("running");
    assertThat(stats.path("memory_usage_mb").asDouble()).isPositive();
  }

  @Test
  void limits_are_named_and_the_next_call_is_answered() {
    String id = running("greedy");
    meets(id, "files", 502, "open_files", 1024);
    meets(id, "disk", 502, "data_mb", 16);
    meets(id, "disk_files", 502, "data_files", 4096);
    meets(id, "tmp", 502, "tmp_mb", 64);
    meets(id, "waits", 504, "timeout_seconds", 3);
    meets(id, "memory", 502, "memory_mb", 192);
  }

  private static void meets(String id, String what, int status, String limit, long value) {
    Answer answer = berth.execute(id, "{\"do\":\"" + what + "\"}");
    assertThat(answer.status()).as(what + ": " + answer.body()).isEqualTo(status);
    assertThat(answer.json().path("limit").asString("")).as(answer.body()).isEqualTo(limit);
    assertThat(answer.json().path("limit_value").asLong()).as(answer.body()).isEqualTo(value);
    berth.stillWorks(id);
  }

  /** The host's limit on processes is met by what gVisor starts for them, and ends it. */
  @Test
  void whoever_crashes_hangs_or_forks_without_end_is_ended_and_may_start_again() {
    String id = running("misbehave");
    for (String what : List.of("segfault", "dies", "forks", "spins")) {
      Answer answer = berth.execute(id, "{\"do\":\"" + what + "\"}");
      assertThat(answer.status()).as(what + ": " + answer.body()).isIn(502, 504);
      assertThat(answer.code()).as(answer.body()).isIn("plugin_crashed", "plugin_timeout");
      assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
      assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      berth.stillWorks(id);
    }
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
  }

  @Test
  void folders_that_the_operator_shows_are_seen_under_the_plugins_own_uid() throws IOException {
    String id = running("reader");
    assertThat(seen(id, "read", "/folders/photos/one").path("value").asString())
        .isEqualTo("a photo");
    assertThat(seen(id, "write", "/folders/photos/new").path("error").asString())
        .isEqualTo("EROFS");
    assertThat(seen(id, "read", photos.resolve("one").toString()).path("error").asString())
        .isEqualTo("ENOENT");
    assertThat(seen(id, "write", "/folders/notes/new").path("value").asBoolean()).isTrue();
    assertThat(Files.readString(notes.resolve("new"))).isEqualTo("written by a plugin");
    assertThat(Files.getAttribute(notes.resolve("new"), "unix:uid")).isEqualTo(0);
    assertThat(seen(id, "privileged", "/folders/notes/new").path("error").asString())
        .isEqualTo("EPERM");
    try (var placed = Files.list(berth.data().resolve("run/placed"))) {
      assertThat(placed).as("mounted for the engine, and taken away").isEmpty();
    }
  }

  private static JsonNode seen(String id, String what, String at) {
    return berth.result(id, "{\"do\":\"" + what + "\",\"at\":\"" + at + "\"}");
  }

  @Test
  void the_network_is_what_the_operator_allows() {
    String id = running("caller");
    String get = "{\"do\":\"get\",\"url\":\"http://%s/x\"}";
    assertThat(berth.result(id, get.formatted(web.place())).path("status").asInt()).isEqualTo(200);
    assertThat(berth.result(id, get.formatted("127.0.0.1:1")).path("status").asInt())
        .isEqualTo(403);
    String connect = "{\"do\":\"connect\",\"host\":\"%s\",\"port\":%d,\"udp\":false}";
    assertThat(
            berth.result(id, connect.formatted("127.0.0.1", web.port())).path("error").asString())
        .isEqualTo("ECONNREFUSED"); // its own loopback
    assertThat(berth.result(id, connect.formatted("10.0.0.1", 53)).path("error").asString())
        .isIn("ENETUNREACH", "EHOSTUNREACH");
  }

  @Test
  void what_a_plugin_kept_in_another_kind_of_sandbox_is_there() {
    Path data = folder.resolve("data");
    String id;
    try (var before = new RunningBerth(data, hosting("process", ""))) {
      id = before.running(Pack.tar(Fixtures.plugin("counter"), folder));
      assertThat(before.result(id, "{}").path("count").asInt()).isEqualTo(1);
    }
    try (var now = new RunningBerth(data, hosting("docker", RUNTIME))) {
      assertThat(now.result(id, "{}").path("count").asInt()).isEqualTo(2);
      assertThat(now.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
      assertThat(now.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      assertThat(now.result(id, "{}").path("count").asInt()).isEqualTo(3);
    }
    try (var after = new RunningBerth(data, hosting("process", ""))) {
      assertThat(after.result(id, "{}").path("count").asInt()).isEqualTo(4);
    }
  }

  @Test
  void a_runtime_that_the_engine_has_not_got_is_refused_with_those_it_has() {
    assertThatThrownBy(() -> new RunningBerth(folder.resolve("data"), hosting("docker", "kata")))
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE))
        .hasMessageContaining("no runtime kata, only ")
        .hasMessageContaining(RUNTIME)
        .hasMessageContaining("--docker-runtime");
  }
}
