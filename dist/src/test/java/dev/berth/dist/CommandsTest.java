package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.BerthCli;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The commands as somebody types them, against a server with plugins that work and fail. */
@Timeout(120)
final class CommandsTest {
  private static final String MAIN =
      """
      import os, time

      class P:
          def __init__(self, config):
              self.config = config

          def execute(self, context):
              what = context.get("do")
              if what == "burn":
                  end = time.process_time() + 1.2
                  while time.process_time() < end:
                      pass
              if what == "fail":
                  return self.roll(context["n"])
              if what == "die":
                  os._exit(3)
              if what == "talk":
                  print(context["say"])
              return {"greeting": self.config.get("greeting")}

          def roll(self, n):
              raise ValueError(f"no dice {n}")
      """;

  private static final String SETTINGS =
      """
      description: Works and fails
      resources: {memory_mb: 64, timeout_seconds: 20}
      config_schema: {greeting: {type: string, default: hello, description: What it says}}
      """;

  @TempDir static Path folder;
  private static RunningBerth berth;

  @BeforeAll
  static void start() {
    berth = new RunningBerth(folder.resolve("data"));
  }

  @AfterAll
  static void stop() {
    berth.close();
  }

  /** What came of a command. */
  record Ran(int exit, String out, String err) {}

  /** A command as it is typed, with the words that have blanks last. */
  private static Ran run(String line, String... more) {
    List<String> words = new ArrayList<>(List.of(line.split(" ")));
    words.addAll(List.of(more));
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        BerthCli.run(
            words.toArray(String[]::new),
            new Distribution(),
            new PrintStream(out, true, StandardCharsets.UTF_8),
            new PrintStream(err, true, StandardCharsets.UTF_8));
    return new Ran(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }

  /** One that a server does, told where it is. */
  private static Ran at(String line, String... more) {
    List<String> words = new ArrayList<>(List.of(more));
    words.addAll(List.of("--server", berth.url()));
    return run(line, words.toArray(String[]::new));
  }

  /** Likewise one that succeeds and remarks nothing; what it prints. */
  private static String prints(String line, String... more) {
    Ran ran = at(line, more);
    assertThat(ran.exit()).as(line + ": " + ran).isZero();
    assertThat(ran.err()).as(line).isEmpty();
    return ran.out();
  }

  private static String archive(String name, String version) {
    return Pack.plugin(folder, name, version, SETTINGS, MAIN).toString();
  }

  /** A plugin that runs. */
  private static void enabled(String name) {
    assertThat(prints("install --enable", archive(name, "1.0.0")))
        .matches("Installed " + name + " 1\\.0\\.0 as plugin_\\w+\\.\nEnabled " + name + "\\.\n");
  }

  @Test
  void a_plugins_life() {
    assertThat(prints("install", archive("lively", "1.0.0")))
        .matches("Installed lively 1\\.0\\.0 as plugin_\\w+\\.\n");
    assertThat(prints("list"))
        .startsWith("NAME ")
        .containsPattern("(?m)^lively +1\\.0\\.0 +installed +plugin_\\w+ +Works and fails$");
    assertThat(prints("enable lively")).isEqualTo("Enabled lively.\n");
    assertThat(prints("health lively")).containsPattern("(?m)^status +healthy$");
    assertThat(prints("execute lively")).isEqualTo("{\n  \"greeting\": \"hello\"\n}\n");

    assertThat(prints("config lively greeting=hi"))
        .isEqualTo(
            """
            KEY       VALUE  FROM  TYPE    DESCRIPTION
            greeting  hi     you   string  What it says
            """);
    assertThat(prints("execute lively --json")).contains("\"result\":{\"greeting\":\"hi\"}");
    assertThat(prints("config lively --unset greeting"))
        .containsPattern("greeting +hello +default");

    assertThat(prints("update lively", archive("lively", "1.1.0")))
        .isEqualTo("Updated lively to 1.1.0.\n");
    assertThat(prints("info lively"))
        .containsPattern("(?m)^version +1\\.1\\.0$")
        .containsPattern("(?m)^  memory_mb +64$")
        .containsPattern("(?m)^  kind +process$");

    assertThat(prints("disable lively")).isEqualTo("Disabled lively.\n");
    Ran stopped = at("health lively");
    assertThat(stopped.exit()).isEqualTo(1);
    assertThat(stopped.out()).containsPattern("(?m)^status +stopped$");
    Ran call = at("execute lively");
    assertThat(call.exit()).isEqualTo(4);
    assertThat(call.err()).endsWith(" enables it. [plugin_not_enabled]\n");
    assertThat(prints("stats lively"))
        .startsWith("lively 1.1.0 (plugin_")
        .contains(") is stopped.\n")
        .containsPattern("(?m)^memory +0\\.0 MiB +- ");
    assertThat(prints("top")).doesNotContain("lively");

    Ran unsure = at("uninstall lively");
    assertThat(unsure.exit()).isEqualTo(2);
    assertThat(unsure.err()).contains("Add --yes to do it.");
    assertThat(prints("uninstall lively --yes"))
        .matches("Uninstalled lively \\(plugin_\\w+\\)\\.\n");
    assertThat(prints("list")).doesNotContain("lively");
  }

  @Test
  @RootOnly("without root not every figure can be had")
  void a_busy_plugin_shows_its_cpu_and_its_calls_beside_the_limits() {
    enabled("busy");
    enabled("calm");
    CompletableFuture<String> burning =
        CompletableFuture.supplyAsync(() -> prints("execute busy do=burn"));
    Eventually.is("its call is under way", () -> figure(prints("stats busy"), "under way", 1));
    var _ = burning.orTimeout(60, TimeUnit.SECONDS).join();
    assertThat(at("execute busy do=fail n=1").exit()).isEqualTo(1);
    Eventually.is("it shows", () -> !prints("stats busy").matches("(?s).*\nCPU +0\\..*"));

    assertThat(prints("stats busy"))
        .matches(
            """
            busy 1\\.0\\.0 \\(plugin_\\w+\\) is running, for [0-9.]+ s\\.

            FIGURE     NOW +LIMIT +MEANING
            CPU        [1-9][0-9.]* % +100 % +of one core, over the last 6 to 8 s
            held back  [0-9.]+ s +- +how long the CPU limit made it wait
            memory     [1-9][0-9.]* MiB +64 MiB +without the file cache that can be given back
            disk       0\\.\\d MiB +256 MiB +what its files in /data take
            processes  [1-9]\\d* +128 +and threads
            received   0 B +- +through the egress proxy
            sent       0 B +- +likewise
            calls      2 +- +that ended
            failed     1 +- +`berth errors busy` shows them
            under way  0 +- +running, or waiting for a worker
            half took  [0-9.]+ m?s +20 s +at most, of the calls of the last half to whole minute
            95 % took  [1-9][0-9.]* s +20 s +likewise
            99 % took  [1-9][0-9.]* s +20 s +likewise
            restarts   0 +- +of its worker
            """);
    List<String> top = prints("top").lines().toList();
    assertThat(top.get(0))
        .matches("host    CPU [0-9.]+ % of \\w+ cores?, load [0-9.]+, memory \\S+G of \\S+G free");
    assertThat(top.get(1)).matches("server  CPU [0-9.]+ % of one core, heap [0-9.]+M");
    assertThat(top.get(2).split(" +"))
        .containsExactly(
            "NAME STATUS CPU% MEMORY NOW CALLS /S ERRORS P50 P99 RESTARTS PIDS DISK NET"
                .split(" "));
    assertThat(top.get(3))
        .as("the busiest comes first")
        .matches(
            "busy +running +[1-9][0-9.]* +[1-9][0-9.]*M/64M +0 +2 +- +1 +[0-9.]+ m?s +[1-9][0-9.]* s"
                + " +0 +[1-9]\\d* +0\\.\\dM/256M +0\\.0M");
    assertThat(prints("top --sort name")).containsSubsequence("\nbusy ", "\ncalm ");
    assertThat(prints("top --json"))
        .startsWith("{\"host\":{\"cpus\":")
        .contains("\"name\":\"calm\"");
    assertThat(prints("top -n 2 -d 0.1").lines().filter(line -> line.startsWith("busy ")))
        .hasSize(2)
        .last()
        .asString()
        .matches("busy +running +\\S+ +\\S+ +0 +2 +0\\.0 +1 .*");
  }

  private static boolean figure(String stats, String name, int value) {
    return stats.matches("(?s).*\n" + name + " +" + value + " .*");
  }

  @Test
  void errors_are_grouped_by_where_they_were_raised_and_counted() {
    enabled("clumsy");
    assertThat(prints("errors clumsy"))
        .matches("Nothing went wrong in clumsy \\(plugin_\\w+\\)\\.\n");
    for (int n = 1; n <= 3; n++) {
      Ran failed = at("execute clumsy do=fail n=" + n);
      assertThat(failed.exit()).isEqualTo(1);
      assertThat(failed.err())
          .endsWith(
              " raised ValueError: no dice "
                  + n
                  + ". `berth errors clumsy` shows where. [plugin_error]\n");
    }
    assertThat(at("execute clumsy do=die").err())
        .contains(" crashed: its worker exited with status 3. ")
        .endsWith(" [plugin_crashed]\n");

    List<String> table = prints("errors clumsy").lines().toList();
    assertThat(table).hasSize(3);
    assertThat(table.get(0)).matches("FINGERPRINT +COUNT +LAST SEEN +WHERE +ERROR");
    assertThat(table.get(1))
        .matches("\\w{12} +1 +\\S+Z +- +plugin_crashed: its worker exited with status 3");
    assertThat(table.get(2)).matches("\\w{12} +3 +\\S+Z +main\\.py:22 +ValueError: no dice 3");

    String fingerprint = table.get(2).substring(0, 12);
    String one = prints("errors clumsy " + fingerprint.substring(0, 6));
    assertThat(one)
        .startsWith("fingerprint  " + fingerprint + "\n")
        .containsPattern("(?m)^count +3$")
        .contains("\nTraceback (most recent call last):\n")
        .contains("\n  File \"/workspace/main.py\", line 22, in roll\n")
        .endsWith("\nValueError: no dice 3\n");
    assertThat(prints("errors clumsy --traceback")).contains("its worker exited", one);
    Ran none = at("errors clumsy 0000000");
    assertThat(none.exit()).isEqualTo(3);
    assertThat(none.err())
        .matches(
            "berth: clumsy \\(plugin_\\w+\\) has no error '0000000'\\. `berth errors clumsy` shows"
                + " them\\. \\[not_found\\]\n");
    assertThat(prints("errors clumsy --clear"))
        .matches("Forgot the errors of clumsy \\(plugin_\\w+\\)\\.\n");
    assertThat(prints("errors clumsy")).startsWith("Nothing went wrong");
  }

  @Test
  void a_log_is_shown_and_followed_until_its_plugin_is_uninstalled() {
    enabled("chatty");
    var _ = prints("execute chatty do=talk say=one");
    Eventually.is(
        "the log has it", () -> prints("logs chatty").endsWith("Z INFO     stdout: one\n"));
    assertThat(prints("logs chatty -n 1")).matches("\\S+Z INFO     stdout: one\n");
    var shown = new ByteArrayOutputStream();
    CompletableFuture<Integer> followed =
        CompletableFuture.supplyAsync(() ->
            BerthCli.run(
                ("logs chatty -f -n 1 --server " + berth.url()).split(" "),
                new Distribution(),
                new PrintStream(shown, true, StandardCharsets.UTF_8),
                System.err));
    Eventually.is("it follows", () -> shown.toString(StandardCharsets.UTF_8).contains(": one\n"));
    var _ = prints("execute chatty do=talk say=two");
    Eventually.is("it goes on", () -> shown.toString(StandardCharsets.UTF_8).contains(": two\n"));
    var _ = prints("uninstall chatty --yes");
    assertThat(followed.orTimeout(30, TimeUnit.SECONDS).join()).isZero();
  }

  @Test
  void a_key_opens_until_it_is_revoked() {
    String data = berth.data().toString();
    Ran created = run("key create --data", data, "tests");
    assertThat(created.exit()).isZero();
    assertThat(created.err()).matches("Key \\w+ for tests, kept under (?s:.*)");
    String id = created.err().split(" ")[1];
    assertThat(run("key list --data", data).out()).containsPattern("(?m)^" + id + " .* tests$");
    String secret = created.out().strip();
    Eventually.is("it opens", () -> at("list --api-key", secret).exit() == 0);
    assertThat(run("key revoke --data", data, id).out()).isEqualTo("Revoked " + id + ".\n");
    Eventually.is("it opens no more", () -> at("list --api-key", secret).exit() == 7);
    assertThat(at("list --api-key", secret).err())
        .isEqualTo(
            "berth: The API key is not valid, or was revoked. `berth key create` makes one."
                + " [unauthenticated]\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "enable nobody",
        "disable nobody",
        "execute nobody",
        "info nobody",
        "config nobody",
        "health nobody",
        "logs nobody",
        "errors nobody",
        "stats nobody",
        "uninstall --yes nobody"
      })
  void a_plugin_that_does_not_exist_is_named_with_the_remedy(String line) {
    assertThat(at(line))
        .isEqualTo(
            new Ran(
                3,
                "",
                "berth: There is no plugin 'nobody'. `berth list` shows them."
                    + " [plugin_not_found]\n"));
    assertThat(at(line.replace("nobody", "plugin_nobody")))
        .isEqualTo(
            new Ran(
                3,
                "",
                "berth: There is no plugin 'plugin_nobody'. `berth list` shows the ids."
                    + " [plugin_not_found]\n"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "list",
        "top",
        "install examples",
        "update x examples",
        "enable x",
        "disable x",
        "execute x",
        "info x",
        "config x",
        "health x",
        "logs x",
        "logs -f x",
        "errors x",
        "stats x",
        "uninstall --yes x"
      })
  void a_server_that_is_not_there_is_named_with_the_remedy(String line) {
    String archive = archive("nowhere", "1.0.0");
    // Port 1 is nobody's: only root could listen there, and nobody does.
    assertThat(run(line.replace("examples", archive), "--server", "http://127.0.0.1:1"))
        .isEqualTo(
            new Ran(
                5,
                "",
                "berth: No Berth server answers at http://127.0.0.1:1. Start one with `berth"
                    + " serve`, or name another with --server or BERTH_URL."
                    + " [server_unreachable]\n"));
  }

  @Test
  void the_doctor_says_what_this_host_gives_and_why_not_more() {
    Ran ran = run("doctor --data", folder.resolve("none").toString());
    assertThat(ran.err()).isEmpty();
    assertThat(ran.out())
        .startsWith("This host: cpus ")
        .containsPattern("\nPROTECTION +process\\S*( \\S+)* +process exec .*docker\n")
        .containsPattern("\nseccomp +(yes|no) ")
        .containsPattern("\nmemory limit +(yes|no) ")
        .containsPattern("\n(ok  |note)  disk: \\d+ MiB are free where the data is kept\n")
        .containsPattern("\nok    python: Python 3\\.\\d+\\.\\d+ at /")
        .containsPattern("\nok    worker zygote: a worker was started in \\d+ ms")
        .containsPattern("\nok    worker exec: a worker was started in \\d+ ms")
        .doesNotContain("Exception");
    boolean complete = ran.out().contains(") is complete here");
    assertThat(complete).isNotEqualTo(ran.out().contains(") is not complete here."));
    assertThat(ran.exit()).as(ran.out()).isEqualTo(complete ? 0 : 1);
  }

  static Stream<String> verbs() {
    return run("help")
        .out()
        .lines()
        .dropWhile(line -> !line.startsWith("Verbs"))
        .skip(1)
        .takeWhile(line -> !line.isEmpty())
        .filter(line -> line.matches("  \\S.*")) // others go on with the line above
        .map(line -> line.strip().split(" +")[0])
        .filter(verb -> !verb.equals("help"));
  }

  @Test
  void each_command_tells_what_it_takes() {
    assertThat(verbs()).contains("top", "stats", "errors", "doctor").hasSizeGreaterThan(15);
    assertThat(verbs())
        .allSatisfy(verb -> {
          Ran ran = run(verb + " --help");
          assertThat(ran.exit()).isZero();
          assertThat(ran.err()).isEmpty();
          assertThat(ran.out()).startsWith("Usage: berth " + verb + " ").contains("-h, --help");
          assertThat(ran.out().lines()).as("fits a terminal").allMatch(line -> line.length() <= 80);
        });
    assertThat(run("top --help").out())
        .contains("CPU%      of one core, over the last 6 to 8 s")
        .contains("M is MiB")
        .contains("--sort=COLUMN");
    assertThat(run("stats --help").out()).contains("beside what it may use").contains("PLUGIN");
    assertThat(run("errors --help").out()).contains("FINGERPRINT", "--traceback", "--clear");
    assertThat(run("doctor --help").out()).contains("Needs no server", "The exit code is 0");
  }
}
