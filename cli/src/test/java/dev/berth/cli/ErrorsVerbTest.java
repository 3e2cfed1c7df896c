package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What went wrong in a plugin. */
class ErrorsVerbTest {
  private static final String ERRORS =
      """
      {"plugin_id":"plugin_d1","errors":[
        {"fingerprint":"0a1b2c3d4e5f","kind":"plugin_error","type":"ValueError","message":"no\\u001b[2J\\ndice",
         "where":"main.py:3","traceback":"Traceback (most recent call last):\\n  \\u001b[0m\\nValueError: no dice","count":1234,
         "first_at":"2026-01-02T03:04:05.123456789Z","last_at":"2026-01-02T03:05:05.5Z","version":"1.0.0"},
        {"fingerprint":"0b1b2c3d4e5f","kind":"plugin_crashed","type":"","message":"its worker was killed by signal 11",
         "where":"","traceback":"","count":1,"first_at":"2026-01-02T03:04:05Z","last_at":"2026-01-02T03:04:05Z","version":"1.0.0"}],
       "total":2}\
      """;

  private final FakeServer server =
      new FakeServer().on("GET /api/plugins/plugin_d1/errors", ERRORS);

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void a_table_for_people() {
    assertThat(Cli.of(server).run("errors", "dice"))
        .isEqualTo(
            new Ran(
                0,
                """
                FINGERPRINT   COUNT  LAST SEEN             WHERE      ERROR
                0a1b2c3d4e5f  1234   2026-01-02T03:05:05Z  main.py:3  ValueError: no\\u001b[2J dice
                0b1b2c3d4e5f  1      2026-01-02T03:04:05Z  -          plugin_crashed: its worker was killed by signal 11
                """,
                ""));
  }

  @Test
  void somebody_who_sits_there_is_told_how_to_see_more() {
    assertThat(Cli.of(server).terminal().run("errors", "dice").err())
        .isEqualTo("`berth errors dice FINGERPRINT` shows one whole, with its traceback.\n");
  }

  @Test
  void one_of_them_whole_by_the_beginning_of_its_name() {
    String whole =
        """
        fingerprint  0a1b2c3d4e5f
        kind         plugin_error
        type         ValueError
        message      no\\u001b[2J
                     dice
        where        main.py:3
        count        1234
        first_at     2026-01-02T03:04:05.123456789Z
        last_at      2026-01-02T03:05:05.5Z
        version      1.0.0

        Traceback (most recent call last):
          \\u001b[0m
        ValueError: no dice
        """;
    assertThat(Cli.of(server).run("errors", "dice", "0a")).isEqualTo(new Ran(0, whole, ""));
    assertThat(Cli.of(server).run("errors", "dice", "--traceback").out())
        .startsWith(
            whole + "\nfingerprint  0b1b2c3d4e5f\nkind         plugin_crashed\ntype         -\n")
        .endsWith("version      1.0.0\n");
  }

  @Test
  void which_one_must_be_clear() {
    Ran none = Cli.of(server).run("errors", "dice", "ff");
    assertThat(none.exit()).isEqualTo(3);
    assertThat(none.err())
        .isEqualTo(
            "berth: dice (plugin_d1) has no error 'ff'. `berth errors dice` shows them. [not_found]\n");
    Ran several = Cli.of(server).run("errors", "dice", "0");
    assertThat(several.exit()).isEqualTo(2);
    assertThat(several.err()).contains("the beginning of several: 0a1b2c3d4e5f, 0b1b2c3d4e5f.");
  }

  @Test
  void json_is_the_servers_own() {
    assertThat(Cli.of(server).run("errors", "dice", "--json").out()).isEqualTo(ERRORS + "\n");
    assertThat(Cli.of(server).run("errors", "dice", "0b", "--json").out())
        .isEqualTo(
            "{\"fingerprint\":\"0b1b2c3d4e5f\",\"kind\":\"plugin_crashed\",\"type\":\"\","
                + "\"message\":\"its worker was killed by signal 11\",\"where\":\"\","
                + "\"traceback\":\"\",\"count\":1,\"first_at\":\"2026-01-02T03:04:05Z\","
                + "\"last_at\":\"2026-01-02T03:04:05Z\",\"version\":\"1.0.0\"}\n");
  }

  @Test
  void nothing_went_wrong() {
    server.on("GET /api/plugins/plugin_d1/errors", "{\"errors\":[],\"total\":0}");
    assertThat(Cli.of(server).run("errors", "dice"))
        .isEqualTo(new Ran(0, "Nothing went wrong in dice (plugin_d1).\n", ""));
  }

  @Test
  void clear_forgets_them() {
    String cleared = "{\"plugin_id\":\"plugin_d1\",\"status\":\"cleared\"}";
    server.on("DELETE /api/plugins/plugin_d1/errors", cleared);
    assertThat(Cli.of(server).run("errors", "dice", "--clear"))
        .isEqualTo(new Ran(0, "Forgot the errors of dice (plugin_d1).\n", ""));
    assertThat(server.last().line()).isEqualTo("DELETE /api/plugins/plugin_d1/errors");
    assertThat(Cli.of(server).run("errors", "dice", "--clear", "--json").out())
        .isEqualTo(cleared + "\n");
    assertThat(Cli.of(server).run("errors", "dice", "0a", "--clear").exit()).isEqualTo(2);
  }

  @Test
  void a_shell_can_complete_it() {
    assertThat(new Cli().run("completion", "bash").out())
        .contains("_picocli_berth_errors", "--traceback", "--clear");
  }
}
