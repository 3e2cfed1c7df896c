package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What people and programs are told when it doesn't work. */
class ErrorsTest {
  private final FakeServer server = new FakeServer();

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void no_server() throws IOException {
    int free;
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      free = socket.getLocalPort();
    }
    Ran ran = new Cli().run("list", "--server", "http://127.0.0.1:" + free);
    assertThat(ran)
        .isEqualTo(
            new Ran(
                5,
                "",
                "berth: No Berth server answers at http://127.0.0.1:%d. Start one with `berth serve`, or name another with --server or BERTH_URL. [server_unreachable]\n"
                    .formatted(free)));
  }

  @ParameterizedTest
  @CsvSource({
    "400, bad_request, 4",
    "401, unauthenticated, 7",
    "403, permission_denied, 7",
    "404, plugin_not_found, 3",
    "409, plugin_not_enabled, 4",
    "413, archive_too_large, 4",
    "422, manifest_invalid, 4",
    "429, of_a_proxy, 4",
    "500, internal, 1",
    "502, plugin_error, 1",
    "503, plugin_failed, 1",
    "504, plugin_timeout, 6",
    "418, of_a_newer_server, 4"
  })
  void a_problem_has_its_exit_code_and_says_itself(int status, String code, int exit) {
    server.problem("POST /api/plugins/plugin_x/enable", status, code, "plugin_x: no.\nTry that.");
    assertThat(Cli.of(server).run("enable", "plugin_x"))
        .isEqualTo(new Ran(exit, "", "berth: plugin_x: no.\nTry that. [" + code + "]\n"));
  }

  @Test
  void with_json_the_problem_is_passed_on() {
    server.problem("GET /api/plugins/plugin_x", 404, "plugin_not_found", "No.");
    assertThat(Cli.of(server).run("info", "plugin_x", "--json"))
        .isEqualTo(
            new Ran(
                3,
                "",
                "{\"type\":\"urn:berth:error:plugin_not_found\",\"title\":\"T\",\"status\":404,\"detail\":\"No.\",\"code\":\"plugin_not_found\"}\n"));
  }

  @Test
  void a_message_cannot_act_on_the_terminal() {
    server.problem("GET /api/plugins/plugin_x", 500, "x\\u001b]0;", "a\u001b[31mb\u202e\nc");
    assertThat(Cli.of(server).run("info", "plugin_x").err())
        .isEqualTo("berth: a\\u001b[31mb\\u202e\nc [x\\u001b]0;]\n");
  }

  @Test
  void an_answer_that_is_not_berths() {
    server.on("GET /api/plugins/plugin_x", 200, "text/html", "<html>");
    assertThat(Cli.of(server).run("info", "plugin_x"))
        .isEqualTo(
            new Ran(
                1,
                "",
                "berth: %s answered GET /api/plugins/plugin_x with status 200, and not as a Berth server does. Is --server or BERTH_URL right? [not_found]\n"
                    .formatted(server.url())));
  }

  @Test
  void an_answer_cut_off() {
    server.cutsOff("GET /api/plugins?status=all");
    Ran ran = Cli.of(server).run("list");
    assertThat(ran.exit()).isEqualTo(5);
    assertThat(ran.err())
        .startsWith("berth: The connection to " + server.url() + " broke: ")
        .contains("may or may not have done it");
  }

  @Test
  void an_unknown_name_gets_the_nearest() {
    assertThat(Cli.of(server).run("disable", "dcie"))
        .isEqualTo(
            new Ran(
                3,
                "",
                "berth: There is no plugin 'dcie'. Did you mean 'dice'? `berth list` shows them. [plugin_not_found]\n"));
  }

  @Test
  void a_name_two_plugins_share_is_not_guessed() {
    server.on(
        "GET /api/plugins?status=all",
        "{\"plugins\":[{\"id\":\"plugin_a\",\"name\":\"x1\"},{\"id\":\"plugin_b\",\"name\":\"x1\"}]}");
    Ran ran = Cli.of(server).run("disable", "x1");
    assertThat(ran.exit()).isEqualTo(4);
    assertThat(ran.err()).contains("plugin_a, plugin_b");
    assertThat(server.asked).hasSize(1);
  }

  @Test
  void an_id_from_a_hostile_server_is_not_put_into_a_path() {
    server.on(
        "GET /api/plugins?status=all", "{\"plugins\":[{\"id\":\"../../x\",\"name\":\"dice\"}]}");
    assertThat(Cli.of(server).run("disable", "dice").exit()).isEqualTo(1);
    assertThat(server.asked).hasSize(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "lsit | berth: Unmatched argument at index 0: 'lsit' Did you mean 'list'? | berth",
        "list --status nope | berth: Invalid value for option '--status': expected one of [all, enabled, disabled, failed] (case-insensitive) but was 'nope' | berth list",
        "enable | berth: Missing required parameter: 'PLUGIN' | berth enable",
        "key | berth: Say create, list or revoke after `key`. | berth key"
      })
  void a_wrong_command_line(String words, String message, String command) {
    assertThat(Cli.of(server).run(words.split(" ")))
        .isEqualTo(new Ran(2, "", message + "\n`" + command + " --help` shows what it takes.\n"));
    assertThat(server.asked).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1:8000",
    "ftp://localhost",
    "http://",
    "http://a b",
    "http://me:pw@localhost",
    "http://localhost/?x=1"
  })
  void a_wrong_address(String address) {
    assertThat(new Cli().run("list", "--server", address))
        .isEqualTo(
            new Ran(
                2,
                "",
                "berth: '%s' is not the address of a server. It looks like http://127.0.0.1:8000.\n"
                    .formatted(address)));
  }

  @Test
  void nothing_typed_shows_the_verbs() {
    Ran ran = new Cli().run();
    assertThat(ran.exit()).isEqualTo(2);
    assertThat(ran.out()).isEmpty();
    assertThat(ran.err()).startsWith("Usage: berth").contains("install", "Exit codes:");
  }
}
