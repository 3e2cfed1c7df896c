package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Settings and logs. */
class ConfigAndLogsTest {
  private static final String CONFIG =
      """
      {"plugin_id":"plugin_d1","schema":{
        "api_key":{"type":"string","required":true,"description":"Key","secret":true},
        "days":{"type":"integer","required":false,"default":3,"description":"Days","secret":false},
        "site":{"type":"string","required":true,"description":"Site","secret":false}},
       "values":{"api_key":{"secret":true,"set":true},"days":3},
       "overridden":{"api_key":{"secret":true,"set":true}}}\
      """;

  private final FakeServer server =
      new FakeServer()
          .on("GET /api/plugins/plugin_d1/config", CONFIG)
          .on("PUT /api/plugins/plugin_d1/config", CONFIG);

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void settings_for_people() {
    assertThat(Cli.of(server).run("config", "dice"))
        .isEqualTo(
            new Ran(
                0,
                """
                KEY      VALUE          FROM     TYPE              DESCRIPTION
                api_key  (secret, set)  you      string, required  Key
                days     3              default  integer           Days
                site     (missing)      -        string, required  Site
                """,
                ""));
  }

  @Test
  void changing_some() {
    Ran ran =
        Cli.of(server)
            .input("s3cret\n")
            .run("config", "dice", "site=x", "days:=4", "api_key=-", "--unset", "old", "--json");
    assertThat(ran).isEqualTo(new Ran(0, CONFIG + "\n", ""));
    assertThat(server.last().line()).isEqualTo("PUT /api/plugins/plugin_d1/config");
    assertThat(server.last().body())
        .isEqualTo("{\"site\":\"x\",\"days\":4,\"api_key\":\"s3cret\",\"old\":null}");
  }

  @Test
  void a_secret_that_does_not_come() {
    Ran ran = Cli.of(server).run("config", "plugin_d1", "api_key=-");
    assertThat(ran)
        .isEqualTo(
            new Ran(2, "", "berth: api_key=- wants a line of standard input for each such key.\n"));
    assertThat(server.asked).isEmpty();
  }

  @Test
  void no_settings_to_take() {
    server.on(
        "GET /api/plugins/plugin_d1/config", "{\"schema\":{},\"values\":{},\"overridden\":{}}");
    assertThat(Cli.of(server).run("config", "dice").out())
        .isEqualTo("This plugin takes no settings.\n");
  }

  @Test
  void a_log() {
    server.on(
        "GET /api/plugins/plugin_d1/logs?limit=2",
        """
        {"records":[
          {"sequence":1,"time":"2026-01-02T03:04:05.123456789Z","level":"INFO","source":"logging","logger":"main","message":"hello"},
          {"sequence":2,"time":"2026-01-02T03:04:06Z","level":"ERROR","source":"stderr","logger":"","message":"Traceback:\\n  x\\u001b[0m\\n"}]}\
        """);
    assertThat(Cli.of(server).run("logs", "dice", "-n", "2"))
        .isEqualTo(
            new Ran(
                0,
                """
                2026-01-02T03:04:05.123Z INFO     main: hello
                2026-01-02T03:04:06.000Z ERROR    stderr: Traceback:
                      x\\u001b[0m
                """,
                ""));
    assertThat(Cli.of(server).run("logs", "plugin_d1", "-n", "0").exit()).isEqualTo(2);
  }

  @Test
  void following_a_log() {
    server.on(
        "GET /api/plugins/plugin_d1/logs?limit=100",
        200,
        "text/event-stream",
        """
        event: log
        id: 7
        data: {"sequence":7,"time":"t","level":"INFO","source":"stdout","logger":"","message":"one"}

        : still there

        event: log
        id: 8
        data: {"sequence":8,"time":"t","level":"INFO","source":"stdout","logger":"","message":"two"}

        """);
    assertThat(Cli.of(server).run("logs", "-f", "dice"))
        .isEqualTo(new Ran(0, "t INFO     stdout: one\nt INFO     stdout: two\n", ""));
    assertThat(server.last().accept()).startsWith("text/event-stream");
    assertThat(Cli.of(server).run("logs", "-f", "dice", "--json").out())
        .startsWith("{\"sequence\":7,")
        .hasLineCount(2);
  }
}
