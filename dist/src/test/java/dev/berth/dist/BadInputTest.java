package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.net.Socket;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every bad input has a code of its own, says the remedy and changes nothing. */
class BadInputTest {
  @TempDir static Path folder;
  private static RunningBerth berth;
  private static String misbehave;

  @BeforeAll
  static void start() {
    berth = new RunningBerth(folder.resolve("data"));
    misbehave = berth.running(Pack.tar(Fixtures.plugin("misbehave"), folder));
  }

  @AfterAll
  static void stop() {
    berth.close();
  }

  /** Nothing half done: the packages on disk are those of the plugins that are registered. */
  @AfterEach
  void packages_on_disk_are_those_registered() throws IOException {
    long registered = berth.get("/api/plugins").json().path("total").asLong();
    try (Stream<Path> packages = Files.list(berth.data().resolve("packages"))) {
      assertThat(packages.map(p -> p.getFileName().toString())).hasSize((int) registered);
    }
  }

  private static void assertProblem(Answer answer, int status, String code) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.type()).startsWith("application/problem+json");
    assertThat(answer.code()).as(answer.body()).isEqualTo(code);
    assertThat(answer.json().path("status").asInt()).isEqualTo(status);
    assertThat(answer.detail()).isNotBlank();
  }

  @Test
  void what_is_not_an_archive() throws IOException {
    Path text = Files.writeString(folder.resolve("text.tar.gz"), "not an archive");
    assertProblem(berth.upload("/api/plugins/install", text), 422, "archive_unsupported");
    Path other = Files.writeString(folder.resolve("plugin.rar"), "Rar!");
    assertProblem(berth.upload("/api/plugins/install", other), 422, "archive_unsupported");
  }

  @Test
  void a_truncated_archive() throws IOException {
    byte[] whole = Files.readAllBytes(Pack.tar(Fixtures.plugin("counter"), folder));
    Path half = folder.resolve("half.tar.gz");
    Files.write(half, Arrays.copyOf(whole, whole.length / 2));
    assertProblem(berth.upload("/api/plugins/install", half), 422, "archive_malformed");
  }

  @ParameterizedTest
  @CsvSource({
    "manifest-missing, 422, manifest_missing, plugin.yaml",
    "manifest-broken, 422, manifest_invalid, plugin.yaml:",
    "main-missing, 422, manifest_bad_entry, main",
    "python-4, 422, python_version_unsupported, Python",
    "host-99, 422, host_version_unsupported, 99",
    "dependency-unresolvable, 422, dependency_unresolvable, berth",
  })
  void what_is_refused_at_install(String plugin, int status, String code, String says) {
    Answer answer = berth.upload("/api/plugins/install", Pack.tar(Fixtures.plugin(plugin), folder));
    if (plugin.equals("dependency-unresolvable")) {
      org.junit.jupiter.api.Assumptions.assumeFalse(
          answer.code().equals("dependency_index_unreachable"),
          "no package index can be reached from here");
    }
    assertProblem(answer, status, code);
    assertThat(answer.detail()).contains(says);
  }

  @ParameterizedTest
  @CsvSource({
    "class-missing, plugin_class_missing",
    "class-imported, plugin_class_missing",
    "import-error, plugin_import_error",
    "syntax-error, plugin_syntax_error",
    "constructor-raises, plugin_start_failed",
    "initialize-false, plugin_start_failed",
    "initialize-raises, plugin_start_failed",
    "import-exits, plugin_start_failed",
    "import-segfaults, plugin_start_failed",
  })
  void what_is_refused_at_enable(String plugin, String code) {
    String id = berth.install(Pack.tar(Fixtures.plugin(plugin), folder));
    Answer answer = berth.post("/api/plugins/" + id + "/enable");
    assertThat(answer.status()).as(answer.body()).isBetween(422, 502);
    assertThat(answer.code()).as(answer.body()).isEqualTo(code);
    assertThat(answer.detail()).contains(plugin);
    assertThat(berth.get("/api/plugins/" + id).json().path("status").asString())
        .isEqualTo("installed");
    assertThat(berth.delete("/api/plugins/" + id).status()).isBetween(200, 204);
  }

  @Test
  void the_same_name_twice() {
    assertProblem(
        berth.upload("/api/plugins/install", Pack.tar(Fixtures.plugin("misbehave"), folder)),
        409,
        "plugin_exists");
  }

  @Test
  void an_unknown_id() {
    for (String id : new String[] {"plugin_nosuch", "nonsense", "plugin_..", "%2e%2e"}) {
      Answer answer = berth.post("/api/plugins/" + id + "/enable");
      assertThat(answer.status()).as(answer.body()).isIn(400, 404);
      assertProblem(berth.execute("plugin_nosuch", "{}"), 404, "plugin_not_found");
    }
  }

  @Test
  void execute_while_disabled() {
    String id = berth.install(Pack.tar(Fixtures.plugin("counter"), folder));
    Answer answer = berth.execute(id, "{}");
    assertProblem(answer, 409, "plugin_not_enabled");
    assertThat(answer.detail()).contains("berth enable");
    berth.delete("/api/plugins/" + id);
  }

  @Test
  void a_context_that_is_no_object_or_is_too_large() {
    assertProblem(berth.execute(misbehave, "[1]"), 400, "context_invalid");
    assertProblem(berth.execute(misbehave, "{"), 400, "invalid_json");
    assertProblem(
        berth.execute(misbehave, "{\"a\":\"" + "x".repeat(2 << 20) + "\"}"), 413, "body_too_large");
  }

  @ParameterizedTest
  @CsvSource({
    "unserialisable, plugin_bad_result",
    "nan, plugin_bad_result",
    "raw_bytes, plugin_bad_result",
    "recursive, plugin_bad_result",
    "deep, plugin_bad_result",
    "surrogate, plugin_bad_result",
    "huge_integer, plugin_bad_result",
    "raises, plugin_error",
    "raises_unprintable, plugin_error",
    "exits, plugin_error",
    "dies, plugin_crashed",
    "segfault, plugin_crashed",
    "aborts, plugin_crashed",
  })
  void a_call_that_fails_is_a_502_and_the_next_one_works(String deed, String code) {
    Answer answer = berth.execute(misbehave, "{\"do\":\"" + deed + "\"}");
    assertProblem(answer, 502, code);
    Answer next = berth.execute(misbehave, "{\"do\":\"nothing\"}");
    assertThat(next.status()).as(next.body()).isEqualTo(200);
    if (code.equals("plugin_crashed")) {
      // A fresh start, so that the breaker doesn't open on this test's own crashes.
      berth.post("/api/plugins/" + misbehave + "/disable");
      assertThat(berth.post("/api/plugins/" + misbehave + "/enable").status()).isEqualTo(200);
    }
  }

  @Test
  void a_plugin_that_says_it_did_not_succeed_is_a_200_with_success_false() {
    Answer answer = berth.execute(misbehave, "{\"do\":\"success_false\"}");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().path("success").asBoolean()).isFalse();
    assertThat(answer.json().at("/result/error").asString()).isEqualTo("it did not work out");
  }

  @Test
  void a_traceback_s_last_lines_are_in_the_answer() {
    Answer answer = berth.execute(misbehave, "{\"do\":\"raises\",\"message\":\"no such dice\"}");
    assertThat(answer.detail()).contains("ValueError: no such dice");
    assertThat(answer.body()).contains("main.py");
  }

  @Test
  void a_body_that_stops_half_way_leaves_nothing() throws Exception {
    URI url = URI.create(berth.url());
    try (Socket socket = new Socket(url.getHost(), url.getPort())) {
      String head =
          "POST /api/plugins/install HTTP/1.1\r\nHost: 127.0.0.1:"
              + url.getPort()
              + "\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n"
              + "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\nPK";
      socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      socket.getOutputStream().flush();
      socket.shutdownOutput();
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(answer).contains(" 400 ").contains("body_incomplete");
    }
    try (Stream<Path> left = Files.list(berth.data().resolve("run/uploads"))) {
      assertThat(left).isEmpty();
    }
  }
}
