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
  void stats_have_units_and_stand_beside_their_limits() {
    server.on(
        "GET /api/plugins/plugin_d1/stats",
        """
        {"plugin_id":"plugin_d1","name":"dice","version":"1.0.0","status":"running",
         "cpu_usage":23.339,"memory_usage_mb":3.371,"disk_usage_mb":0.008,"network_rx_bytes":3145728,
         "network_tx_bytes":1023,"pids":2,"throttled_seconds":0.25,"calls":5,"errors":3,"in_flight":1,
         "p50_ms":0.31,"p95_ms":9.97,"p99_ms":12059,"restarts":1,"uptime_seconds":44.546,
         "limits":{"cpu_usage":100,"memory_usage_mb":2048,"disk_usage_mb":256,"pids":128,"timeout_seconds":30}}
        """);
    assertThat(Cli.of(server).run("stats", "plugin_d1"))
        .isEqualTo(
            new Ran(
                0,
                """
                dice 1.0.0 (plugin_d1) is running, for 45 s.

                FIGURE     NOW      LIMIT    MEANING
                CPU        23 %     100 %    of one core, over the last 6 to 8 s
                held back  0.3 s    -        how long the CPU limit made it wait
                memory     3.4 MiB  2.0 GiB  without the file cache that can be given back
                disk       0.0 MiB  256 MiB  what its files in /data take
                processes  2        128      and threads
                received   3.0 MiB  -        through the egress proxy
                sent       1023 B   -        likewise
                calls      5        -        that ended
                failed     3        -        `berth errors dice` shows them
                under way  1        -        running, or waiting for a worker
                half took  0.3 ms   30 s     at most, of the calls of the last half to whole minute
                95 % took  10 ms    30 s     likewise
                99 % took  12 s     30 s     likewise
                restarts   1        -        of its worker
                """,
                ""));
  }

  @Test
  void stats_of_a_plugin_that_is_down_have_dashes_for_what_is_not_known() {
    server.on(
        "GET /api/plugins/plugin_d1/stats",
        """
        {"plugin_id":"plugin_d1","name":"dice","version":"1.0.0","status":"stopped","calls":0,
         "errors":0,"p50_ms":0,"uptime_seconds":0,"limits":{"cpu_usage":0,"pids":0,"timeout_seconds":0}}
        """);
    assertThat(Cli.of(server).run("stats", "plugin_d1").out())
        .startsWith("dice 1.0.0 (plugin_d1) is stopped.\n")
        .containsPattern("CPU +0\\.0 % +- ")
        .containsPattern("processes +0 +- ")
        .containsPattern("half took +- +- ");
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
