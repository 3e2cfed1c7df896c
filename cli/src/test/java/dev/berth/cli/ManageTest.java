package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Listing, showing, switching and removing plugins. */
class ManageTest {
  private final FakeServer server = new FakeServer();

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void a_list_for_people() {
    assertThat(Cli.of(server).run("list"))
        .isEqualTo(
            new Ran(
                0,
                """
                NAME   VERSION  STATUS     ID         DESCRIPTION
                dice   1.0.0    enabled    plugin_d1  Rolls dice
                notes  0.2.0    installed  plugin_n2  Keeps notes
                """,
                ""));
  }

  @Test
  void a_list_for_programs_is_the_servers_own_json() {
    String json = "{\"plugins\": [ ],\"total\":0,\"later\":1e400}";
    server.on("GET /api/plugins?status=enabled", json);
    assertThat(Cli.of(server).run("list", "--status", "enabled", "--json"))
        .isEqualTo(new Ran(0, json + "\n", ""));
    assertThat(server.last().accept()).isEqualTo("application/json");
  }

  @Test
  void nothing_to_list() {
    server.on("GET /api/plugins?status=all", "{\"plugins\":[],\"total\":0}");
    assertThat(Cli.of(server).run("list").out())
        .isEqualTo("No plugin is installed. Install one with: berth install FILE\n");
  }

  @Test
  void a_plugins_own_words_cannot_act_on_the_terminal() {
    String evil =
        "{\"plugins\":[{\"id\":\"plugin_e\",\"name\":\"e\",\"description\":\"a\\u001b[2J\\nb\u202ec\"}]}";
    server.on("GET /api/plugins?status=all", evil);
    assertThat(Cli.of(server).run("list").out()).contains("a\\u001b[2J b\\u202ec\n");
    assertThat(Cli.of(server).run("list", "--json").out())
        .isEqualTo(evil.replace("\u202e", "\\u202e") + "\n");
  }

  @Test
  void a_long_description_is_cut_on_a_terminal_only() {
    server.on(
        "GET /api/plugins?status=all",
        "{\"plugins\":[{\"id\":\"plugin_e\",\"name\":\"e\",\"version\":\"1\",\"status\":\"enabled\",\"description\":\""
            + "x".repeat(200)
            + "\"}]}");
    assertThat(Cli.of(server).run("list").out()).contains("x".repeat(200));
    assertThat(Cli.of(server).terminal().run("list").out().lines())
        .allMatch(line -> line.length() <= 80)
        .anyMatch(line -> line.endsWith("x..."));
  }

  @Test
  void enable_by_name() {
    server.on(
        "POST /api/plugins/plugin_d1/enable",
        "{\"plugin_id\":\"plugin_d1\",\"status\":\"enabled\",\"message\":\"m\"}");
    assertThat(Cli.of(server).run("enable", "dice")).isEqualTo(new Ran(0, "Enabled dice.\n", ""));
  }

  @Test
  void disable_by_id_asks_for_no_list() {
    server.on("POST /api/plugins/plugin_d1/disable", "{}");
    assertThat(Cli.of(server).run("disable", "plugin_d1"))
        .isEqualTo(new Ran(0, "Disabled plugin_d1.\n", ""));
    assertThat(server.asked).hasSize(1);
  }

  @Test
  void info_for_people() {
    server.on(
        "GET /api/plugins/plugin_d1",
        """
        {"id":"plugin_d1","name":"dice","permissions":[],"hooks":["on_command","on_message"],
         "resources":{"memory_mb":64,"timeout_seconds":0.50},"reason":null,
         "commands":[{"name":"/roll","usage":"/roll 2d6"}]}\
        """);
    assertThat(Cli.of(server).run("info", "plugin_d1").out())
        .isEqualTo(
            """
            id           plugin_d1
            name         dice
            permissions  none
            hooks        on_command, on_message
            resources
              memory_mb        64
              timeout_seconds  0.50
            reason       -
            commands
              - name   /roll
                usage  /roll 2d6
            """);
  }

  @Test
  void health_is_in_the_exit_code() {
    server.on("GET /api/plugins/plugin_d1/health", "{\"status\":\"healthy\",\"restarts\":0}");
    assertThat(Cli.of(server).run("health", "plugin_d1"))
        .isEqualTo(new Ran(0, "status    healthy\nrestarts  0\n", ""));
    server.on("GET /api/plugins/plugin_d1/health", "{\"status\":\"starting\"}");
    assertThat(Cli.of(server).run("health", "plugin_d1", "--json"))
        .isEqualTo(new Ran(1, "{\"status\":\"starting\"}\n", ""));
  }

  @Test
  void stats() {
    server.on(
        "GET /api/plugins/plugin_d1/stats",
        "{\"calls\":12,\"cpu_usage\":0.17997161631930644,\"note\":\"\"}");
    assertThat(Cli.of(server).run("stats", "plugin_d1").out())
        .isEqualTo("calls      12\ncpu_usage  0.180\nnote       -\n");
  }

  @Test
  void uninstall_asks() {
    server.on("DELETE /api/plugins/plugin_d1", "{}");
    Ran no = Cli.of(server).terminal().input("no\n").run("uninstall", "dice");
    assertThat(no.exit()).isEqualTo(1);
    assertThat(no.err())
        .isEqualTo(
            "Uninstall dice (plugin_d1) with its settings, data and log? [y/N] berth: Nothing was uninstalled.\n");
    assertThat(Cli.of(server).terminal().run("uninstall", "dice").exit()).isEqualTo(1);
    assertThat(server.asked).noneMatch(asked -> asked.line().startsWith("DELETE"));

    assertThat(Cli.of(server).terminal().input("y\n").run("uninstall", "dice").out())
        .isEqualTo("Uninstalled dice (plugin_d1).\n");
    assertThat(server.last().line()).isEqualTo("DELETE /api/plugins/plugin_d1");
  }

  @Test
  void uninstall_without_anybody_to_ask_wants_yes() {
    server.on("DELETE /api/plugins/plugin_d1", 204, "application/json", "");
    Ran ran = Cli.of(server).run("uninstall", "dice");
    assertThat(ran.exit()).isEqualTo(2);
    assertThat(ran.err()).contains("Add --yes to do it.");
    assertThat(server.asked).noneMatch(asked -> asked.line().startsWith("DELETE"));
    assertThat(Cli.of(server).run("uninstall", "dice", "--yes").exit()).isEqualTo(0);
  }

  @Test
  void the_key_goes_with_every_request_and_the_option_before_the_variable() {
    Cli.of(server).run("list");
    assertThat(server.last().authorization()).isEqualTo("null");
    Cli.of(server).with("BERTH_API_KEY", "k1").run("list");
    assertThat(server.last().authorization()).isEqualTo("Bearer k1");
    Cli.of(server).with("BERTH_API_KEY", "k1").run("list", "--api-key", "k2");
    assertThat(server.last().authorization()).isEqualTo("Bearer k2");
  }

  @Test
  void a_server_behind_a_path() {
    server.on("GET /chat/api/plugins?status=all", "{\"plugins\":[]}");
    assertThat(new Cli().run("list", "--server", server.url() + "/chat/").exit()).isEqualTo(0);
  }
}
