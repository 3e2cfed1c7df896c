package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import dev.berth.cli.LocalOperations.ServeOptions;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is done in this process: serving, keys, the demo, completion. */
class LocalVerbsTest {
  @TempDir Path folder;
  private final FakeLocal local = new FakeLocal();

  @Test
  void each_verb_is_found_by_its_name_alone_and_among_all() {
    String all = new Cli().run("--help").out();
    assertThat(BerthCli.verbs()).hasSizeGreaterThan(20);
    BerthCli.verbs()
        .keySet()
        .forEach(name -> {
          assertThat(new Cli().run(name, "--help").out()).as(name).contains("berth " + name);
          assertThat(all).as(name).containsPattern("(?m)^ +" + name + " ");
        });
  }

  @Test
  void serve_says_where_and_closes_when_it_stops() {
    local.stopped.countDown();
    Ran ran =
        new Cli()
            .with(local)
            .run(
                "serve",
                "--port",
                "0",
                "--data",
                folder.toString(),
                "--sandbox",
                "process",
                "--allow-weak-isolation");
    assertThat(ran)
        .isEqualTo(
            new Ran(
                0,
                "Berth serves on http://127.0.0.1:1, data in " + folder + ". Ctrl-C stops it.\n",
                ""));
    assertThat(local.served)
        .containsExactly(
            new ServeOptions(
                "127.0.0.1",
                0,
                folder,
                Hosting.DEFAULT.withIsolation(
                    new Hosting.Isolation("process", true, "zygote", "", "", false))));
    assertThat(local.closed).isTrue();
  }

  @Test
  void serve_without_words() {
    local.stopped.countDown();
    new Cli().with(local).run("serve");
    new Cli().with(local).with("BERTH_DATA", folder.toString()).run("serve");
    assertThat(local.served)
        .containsExactly(
            new ServeOptions(
                "127.0.0.1", 8000, Path.of(".berth/data").toAbsolutePath(), Hosting.DEFAULT),
            new ServeOptions("127.0.0.1", 8000, folder, Hosting.DEFAULT));
  }

  @Test
  void a_port_in_use() {
    local.portInUse = true;
    assertThat(new Cli().with(local).run("serve", "--port", "8001"))
        .isEqualTo(new Ran(1, "", "berth: The port is in use. [listen_failed]\n"));
    assertThat(new Cli().with(local).run("serve", "--port", "70000").exit()).isEqualTo(2);
  }

  @Test
  void an_option_that_the_server_can_make_nothing_of() {
    local.badOption = true;
    Ran ran = new Cli().with(local).run("serve", "--egress-only", "");
    assertThat(ran.exit()).isEqualTo(2);
    assertThat(ran.err()).startsWith("berth: --egress-only: '' is not a place.");
  }

  @Test
  void keys() {
    Cli cli = new Cli().with(local);
    Ran created = cli.run("key", "create", "laptop", "--data", folder.toString());
    assertThat(created.exit()).isEqualTo(0);
    assertThat(created.out()).isEqualTo("berth_secret_1\n");
    assertThat(created.err()).startsWith("Key key_0 for laptop, kept under " + folder + ".");
    assertThat(cli.run("key", "create", "phone", "--json").out())
        .isEqualTo(
            "{\"id\":\"key_1\",\"name\":\"phone\",\"tenant\":\"default\",\"created_at\":\"1970-01-01T00:00:00Z\",\"secret\":\"berth_secret_2\"}\n");
    assertThat(cli.run("key", "list").out())
        .isEqualTo(
            """
            ID     TENANT   CREATED               NAME
            key_0  default  1970-01-01T00:00:00Z  laptop
            key_1  default  1970-01-01T00:00:00Z  phone
            """);
    assertThat(cli.run("key", "revoke", "key_0").out()).isEqualTo("Revoked key_0.\n");
    Ran gone = cli.run("key", "revoke", "key_0");
    assertThat(gone.exit()).isEqualTo(3);
    assertThat(gone.err()).startsWith("berth: There is no key 'key_0' under ");
    assertThat(local.keyFolders.getFirst()).isEqualTo(folder);
    assertThat(local.keyFolders.getLast()).isEqualTo(Path.of(".berth/data").toAbsolutePath());
  }

  @Test
  void the_demo_types_commands_and_runs_them() throws IOException {
    try (var server = new FakeServer()) {
      Path dice = Files.createDirectories(folder.resolve("examples/dice"));
      Files.writeString(dice.resolve("plugin.yaml"), "name: dice");
      Files.writeString(dice.resolve("demo.json"), "[{\"message\":\"it's 2d6\"},{}]");
      server
          .on(
              "POST /api/plugins/install",
              "{\"plugin_id\":\"plugin_d1\",\"name\":\"dice\",\"version\":\"1.0.0\"}")
          .on("POST /api/plugins/plugin_d1/enable", "{}")
          .on("POST /api/plugins/plugin_d1/execute", "{\"success\":true,\"result\":\"7\"}");
      server.listsInTurn(
          "{\"plugins\":[]}",
          "{\"plugins\":[{\"id\":\"plugin_d1\",\"name\":\"dice\",\"version\":\"1.0.0\",\"status\":\"enabled\"}]}");
      local.url = server.url();
      local.examples = List.of(dice);
      local.stopped.countDown();
      Ran ran =
          new Cli()
              .with(local)
              .with("BERTH_API_KEY", "of another server")
              .run("demo", "--data", folder.resolve("data").toString());
      assertThat(ran.err()).isEmpty();
      assertThat(ran.exit()).isEqualTo(0);
      assertThat(ran.out())
          .startsWith(
              """
              Berth serves on URL.

              $ export BERTH_URL=URL

              $ berth install FOLDER/examples/dice
              Installed dice 1.0.0 as plugin_d1.

              $ berth enable dice
              Enabled dice.

              $ berth execute dice '{"message":"it'\\''s 2d6"}'
              7

              $ berth execute dice '{}'
              7

              $ berth list
              NAME  VERSION  STATUS   ID         DESCRIPTION
              dice  1.0.0    enabled  plugin_d1

              It serves on until Ctrl-C.\
              """
                  .replace("URL.", server.url() + ".")
                  .replace("=URL", "=" + server.url())
                  .replace("FOLDER", folder.toString()))
          .contains("-d '{\"context\":{\"message\":\"it'\\''s 2d6\"}}'");
      assertThat(server.asked).allMatch(asked -> asked.authorization().equals("null"));
      assertThat(local.closed).isTrue();
    }
  }

  @Test
  void the_demo_practises_what_it_showed_first() throws IOException {
    try (var server = new FakeServer()) {
      Path dice = Files.createDirectories(folder.resolve("examples/dice"));
      Files.writeString(dice.resolve("plugin.yaml"), "name: dice");
      server.listsInTurn(
          "{\"plugins\":[]}", "{\"plugins\":[{\"id\":\"plugin_d1\",\"name\":\"dice\"}]}");
      server
          .on("POST /api/plugins/install", "{\"plugin_id\":\"plugin_d1\"}")
          .on("POST /api/plugins/plugin_d1/enable", "{}")
          .on("POST /api/plugins/plugin_d1/disable", "{}")
          .on("POST /api/plugins/plugin_d1/execute", "{\"success\":true}");
      var local = new FakeLocal();
      local.url = server.url();
      local.examples = List.of(dice);

      Cli.Ran ran =
          new Cli()
              .with(local)
              .run("demo", "--once", "--practise", "3", "--data", folder.resolve("d").toString());

      assertThat(ran.exit()).as(ran.err()).isZero();
      assertThat(server.asked.stream().filter(asked -> asked.line().endsWith("/disable")))
          .hasSize(3);
      assertThat(server.asked.stream().filter(asked -> asked.line().endsWith("/execute")))
          .hasSize(1 + 3 + 900);
    }
  }

  @Test
  void the_demo_ends_with_the_first_failure_and_closes() throws IOException {
    try (var server = new FakeServer()) {
      Path dice = Files.createDirectories(folder.resolve("dice"));
      Files.writeString(dice.resolve("plugin.yaml"), "name: dice");
      server.problem("POST /api/plugins/install", 422, "manifest_invalid", "Bad.");
      local.url = server.url();
      local.examples = List.of(dice);
      Ran ran =
          new Cli().with(local).run("demo", "--once", "--data", folder.resolve("data").toString());
      assertThat(ran.exit()).isEqualTo(4);
      assertThat(ran.err()).isEqualTo("berth: Bad. [manifest_invalid]\n");
      assertThat(local.closed).isTrue();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"serve", "doctor", "demo", "key list"})
  void data_that_no_folder_can_be_is_said_before_anything_is_tried(String verb) throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    Path below = file.resolve("deeper/data");
    Path link = Files.createSymbolicLink(folder.resolve("link"), folder.resolve("nowhere"));
    String remedy = ". Name a folder with --data or BERTH_DATA; one that isn't there is made.";
    for (var data :
        Map.of(
                file, "that is a file",
                below, file + " is a file",
                link, "that is not a folder")
            .entrySet()) {
      Ran ran = new Cli().with(local).run((verb + " --data " + data.getKey()).split(" "));
      assertThat(ran.exit()).as(ran.out()).isEqualTo(2);
      assertThat(ran.err())
          .startsWith(
              "berth: The data can't be kept in "
                  + data.getKey()
                  + ": "
                  + data.getValue()
                  + remedy);
    }
    assertThat(new Cli().with(local).with("BERTH_DATA", file.toString()).run("serve").err())
        .contains("that is a file" + remedy);
    assertThat(local.served).isEmpty();
    assertThat(local.examined).isEmpty();
    assertThat(local.keyFolders).isEmpty();
    assertThat(Files.readString(file)).isEqualTo("x");
  }

  @Test
  void a_scratch_folder_goes_without_what_its_links_point_to() throws IOException {
    Path kept = Files.writeString(folder.resolve("kept"), "x");
    ScratchFolder scratch = ScratchFolder.under(folder.resolve("demo"));
    Path inner = Files.createDirectories(scratch.path().resolve("packages/p"));
    Files.writeString(inner.resolve("f"), "x");
    Files.createSymbolicLink(inner.resolve("link"), kept);
    Files.createSymbolicLink(inner.resolve("up"), folder);
    assertThat(inner.toFile().setWritable(false)).isTrue();
    scratch.close();
    assertThat(scratch.path()).doesNotExist();
    assertThat(kept).exists();
  }

  @ParameterizedTest
  @ValueSource(strings = {"bash", "zsh"})
  void completion_is_a_script_that_bash_accepts(String shell) throws Exception {
    Ran ran = new Cli().run("completion", shell);
    assertThat(ran.exit()).isEqualTo(0);
    assertThat(ran.out()).contains("_picocli_berth_install", "--config-file");
    File script =
        Files.writeString(folder.resolve("completion"), ran.out(), StandardCharsets.UTF_8).toFile();
    Process bash =
        new ProcessBuilder("bash", "-n", script.getPath()).redirectErrorStream(true).start();
    String said = new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(bash.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(said).isEmpty();
    assertThat(bash.exitValue()).isEqualTo(0);
  }

  @Test
  void completion_completes() throws Exception {
    Path script =
        Files.writeString(folder.resolve("completion"), new Cli().run("completion", "bash").out());
    Process bash =
        new ProcessBuilder(
                "bash",
                "-c",
                ". \"$0\"; COMP_WORDS=(berth unin); COMP_CWORD=1; _complete_berth; echo \"${COMPREPLY[*]}\"",
                script.toString())
            .start();
    assertThat(new String(bash.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip())
        .isEqualTo("uninstall");
  }

  @Test
  void the_version_is_the_builds() {
    assertThat(new Cli().run("version").out()).matches("berth \\d+\\.\\d+\\.\\d+.*, Java 25.*\n");
    assertThat(new Cli().run("--version").out()).isEqualTo(new Cli().run("version").out());
  }
}
