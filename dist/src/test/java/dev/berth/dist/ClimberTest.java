package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** A plugin that tries to get out by ways of several steps. */
@Timeout(180)
@RootOnly("without root the walls are others")
final class ClimberTest {
  @TempDir Path folder;

  private RunningBerth open(Hosting hosting) {
    return new RunningBerth(folder.resolve("data"), hosting);
  }

  private String climber(RunningBerth berth) {
    return berth.running(Pack.tar(Fixtures.plugin("climber"), folder));
  }

  private static JsonNode ask(RunningBerth berth, String id, String context) {
    Answer answer = berth.execute(id, context);
    assertThat(answer.status()).as(context + ": " + answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  private static void stillWorks(RunningBerth berth, String id) {
    var _ = berth.post("/api/plugins/" + id + "/enable"); // after some of these it is given up
    var _ = ask(berth, id, "{\"do\":\"nothing\"}");
  }

  @ParameterizedTest(name = "ESC-12 calls of another architecture kill, {0}")
  @EnumSource(Kinds.class)
  void ESC_12(Kinds kind) {
    try (var berth = open(kind.hosting())) {
      String id = climber(berth);
      for (String hex : List.of("b814000000cd80c3", "b8270000400f05c3")) {
        Answer answer = berth.execute(id, "{\"do\":\"machine_code\",\"hex\":\"" + hex + "\"}");
        assertThat(answer.code()).as(answer.body()).isEqualTo("plugin_crashed");
        assertThat(answer.json().path("signal").asInt()).as(answer.body()).isEqualTo(31);
        stillWorks(berth, id);
      }
    }
  }

  @ParameterizedTest(name = "ESC-15 ESC-17 no terminal to type into, no core dump, {0}")
  @EnumSource(Kinds.class)
  void ESC_15_17(Kinds kind) {
    try (var berth = open(kind.hosting())) {
      String id = climber(berth);
      JsonNode terminal = ask(berth, id, "{\"do\":\"terminal\"}");
      assertThat(terminal.path("controlling").asInt()).isZero();
      assertThat(terminal.path("tty").asString()).isIn("ENOENT", "ENXIO", "EACCES");
      assertThat(terminal.path("console").asString()).isIn("ENOENT", "ENXIO", "EACCES", "EPERM");
      assertThat(terminal.path("sti").asString()).isEqualTo("EPERM");
      assertThat(terminal.path("linux").asString()).isEqualTo("EPERM");
      JsonNode cores = ask(berth, id, "{\"do\":\"cores\"}");
      assertThat(cores.path("found")).isEmpty();
      assertThat(cores.path("limit").asInt()).isLessThan(2);
      Answer aborted = berth.execute(id, "{\"do\":\"aborts\"}");
      assertThat(aborted.json().path("signal").asInt()).as(aborted.body()).isEqualTo(6);
      stillWorks(berth, id);
    }
  }

  @ParameterizedTest(name = "ESC-16 names that change while the host looks, {0}")
  @EnumSource(Kinds.class)
  void ESC_16(Kinds kind) throws IOException {
    Path shared = Files.createDirectories(folder.resolve("shared"));
    LeftBehind left;
    Hosting hosting = kind.hosting().withFolders(List.of("climber=" + shared + ":rw"));
    try (var berth = open(hosting)) {
      left = LeftBehind.watch(berth);
      String target = "{\"target\":\"" + left.secret() + "\",\"do\":";
      for (int round = 0; round < 3; round++) {
        String id = climber(berth);
        JsonNode led = ask(berth, id, target + "\"links\"}");
        assertThat(led.size()).isEqualTo(4);
        led.properties()
            .forEach(link ->
                assertThat(link.getValue().asString())
                    .as(link.getKey())
                    .isIn("ENOENT", "EACCES", "EXDEV", "EPERM", "ELOOP"));
        assertThat(ask(berth, id, target + "\"swap\"}").path("places").asInt()).isEqualTo(2);
        for (int i = 0; i < 3; i++) {
          var _ = berth.get("/api/plugins/" + id + "/stats");
          assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
          assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
          var _ = ask(berth, id, target + "\"swap\"}");
        }
        long begin = System.nanoTime();
        assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(20));
        left.nothingOf(berth, id);
      }
    }
    left.nothing();
    // What it made in the folder that it was given stays, and is the folder's owner's.
    try (Stream<Path> all = Files.walk(shared)) {
      for (Path path : all.toList()) {
        assertThat(Files.getAttribute(path, "unix:uid", java.nio.file.LinkOption.NOFOLLOW_LINKS))
            .as(path.toString())
            .isEqualTo(0);
      }
    }
  }

  @ParameterizedTest(name = "what it only reads it neither locks nor has synced, {0}")
  @EnumSource(Kinds.class)
  void locks_and_syncing(Kinds kind) throws IOException {
    try (var berth = open(kind.hosting())) {
      String id = climber(berth);
      long before = flushes();
      JsonNode held = ask(berth, id, "{\"do\":\"holds_what_it_reads\",\"syncs\":200}");
      if (kind != Kinds.DOCKER) { // A container's own root is on the engine's disk.
        // What the server itself writes meanwhile is some commits of a database.
        assertThat(flushes() - before).as(held.toString()).isLessThan(200);
      }
      assertThat(held.propertyNames()).hasSizeGreaterThan(5).contains("/workspace/main.py");
      Path main = found("main.py", held.path("/workspace/main.py").asLong());
      assertThat(canLock(main)).as(main.toString()).isTrue();
      for (String path : held.propertyNames()) {
        boolean sameHere = kind != Kinds.DOCKER && Files.isRegularFile(Path.of(path));
        assertThat(!sameHere || canLock(Path.of(path))).as(path).isTrue();
      }
      stillWorks(berth, id);
    }
  }

  private Path found(String name, long size) throws IOException {
    try (Stream<Path> all = Files.walk(folder.resolve("data"))) {
      return all.filter(path -> path.endsWith(name) && path.toFile().length() == size)
          .findFirst()
          .orElseThrow();
    }
  }

  private static boolean canLock(Path path) throws IOException {
    Process flock =
        new ProcessBuilder("flock", "--nonblock", path.toString(), "true").inheritIO().start();
    return flock.onExit().join().exitValue() == 0;
  }

  /** How often the disk below was told to write its cache back, by whomever; 0 if it has none. */
  private long flushes() throws IOException {
    long device = (long) Files.getAttribute(folder, "unix:dev");
    long major = device >> 8 & 0xfff;
    long minor = device & 0xff | device >> 12 & 0xfff00;
    Path stat = Path.of("/sys/dev/block/" + major + ":" + minor + "/stat");
    return Files.exists(stat) ? Long.parseLong(Files.readString(stat).strip().split(" +")[15]) : 0;
  }

  @ParameterizedTest(name = "CHN-05 nothing of the host's answers a plugin's request, {0}")
  @EnumSource(Kinds.class)
  void CHN_05(Kinds kind) {
    try (var berth = open(kind.hosting())) {
      String id = climber(berth);
      for (String method :
          List.of(
              "chat.send",
              "kv.get",
              "db.query",
              "files.read",
              "http.request",
              "schedule.at",
              "plugins.execute",
              "initialize",
              "execute",
              "shutdown",
              "rpc.discover")) {
        Answer answer =
            berth.execute(id, "{\"do\":\"asks_the_host\",\"method\":\"" + method + "\"}");
        assertThat(answer.code())
            .as(method + ": " + answer.body())
            .isEqualTo("plugin_protocol_error");
        stillWorks(berth, id);
      }
    }
  }

  @ParameterizedTest(name = "CHN-07 no socket to knock at, no token to show, {0}")
  @EnumSource(Kinds.class)
  void CHN_07(Kinds kind) {
    try (var berth = open(kind.hosting())) {
      String id = climber(berth);
      JsonNode seen = ask(berth, id, "{\"do\":\"sockets\"}");
      assertThat(seen.path("abstract")).isEmpty();
      // In a container the channel's socket has a name; it wants a token that is used up.
      seen.path("found")
          .properties()
          .forEach(knocked ->
              assertThat(knocked.getValue().asString())
                  .as(knocked.getKey())
                  .isIn("", "ECONNREFUSED", "ECONNRESET", "EACCES", "EPIPE", "ENOENT"));
      assertThat(ask(berth, id, "{\"do\":\"tokens\"}").path("text").asString())
          .doesNotContainPattern("[0-9a-f]{64}")
          .doesNotContainPattern("[A-Za-z0-9_-]{43}");
      Answer given = berth.execute(id, "{\"do\":\"gives_its_socket_away\"}");
      assertThat(given.code()).as(given.body()).isEqualTo("plugin_protocol_error");
      stillWorks(berth, id);
    }
  }
}
