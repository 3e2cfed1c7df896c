package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Cli.Ran;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Calling plugins. */
class ExecuteTest {
  private static final String CALL = "POST /api/plugins/plugin_d1/execute";

  @TempDir Path folder;
  private final FakeServer server =
      new FakeServer()
          .on(
              CALL,
              "{\"success\":true,\"result\":{\"total\": 7,\"x\":1.10,\"e\":[],\"o\":{},\"l\":[1,{\"a\":null}]},\"execution_time\":0.245}");

  @AfterEach
  void stop() {
    server.close();
  }

  @Test
  void words_make_a_context() {
    Ran ran =
        Cli.of(server)
            .run("execute", "dice", "message=2d6 = \"x\"", "count:=12345678901234567890", "dash=-");
    assertThat(server.last().body())
        .isEqualTo(
            "{\"context\":{\"message\":\"2d6 = \\\"x\\\"\",\"count\":12345678901234567890,\"dash\":\"-\"}}");
    assertThat(server.last().accept()).isEqualTo("application/json");
    assertThat(ran)
        .isEqualTo(
            new Ran(
                0,
                "{\n  \"total\": 7,\n  \"x\": 1.10,\n  \"e\": [],\n  \"o\": {},\n  \"l\": [\n    1,\n    {\n      \"a\": null\n    }\n  ]\n}\n",
                ""));
  }

  @Test
  void json_is_sent_as_typed() throws IOException {
    String json = "{\"message\": \"hi\", \"n\": 1.00}";
    String sent = "{\"context\":" + json + "}";
    Path file = Files.writeString(folder.resolve("c.json"), json);
    Cli.of(server).run("execute", "plugin_d1", json);
    assertThat(server.last().body()).isEqualTo(sent);
    Cli.of(server).input(json + "\n").run("execute", "plugin_d1", "-");
    assertThat(server.last().body()).isEqualTo(sent);
    Cli.of(server).run("execute", "plugin_d1", "@" + file);
    assertThat(server.last().body()).isEqualTo(sent);
    Cli.of(server).run("execute", "plugin_d1", "--context", "@" + file);
    assertThat(server.last().body()).isEqualTo(sent);
    Cli.of(server).run("execute", "plugin_d1");
    assertThat(server.last().body()).isEqualTo("{\"context\":{}}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      value = {
        "2d6 | '2d6' is not key=text or key:=json. An example: user=ada count:=3",
        "=x | '=x' is not key=text or key:=json. An example: user=ada count:=3",
        "n:=x | n:= wants JSON. For a string write n=x. ",
        "{\"a\":1,} | The context: Not valid JSON at byte 7",
        "@nowhere.json | There is no file nowhere.json."
      })
  void a_wrong_context(String word, String message) {
    Ran ran = Cli.of(server).run("execute", "plugin_d1", word);
    assertThat(ran.err()).startsWith("berth: " + message);
    assertThat(ran.exit()).isIn(2, 3);
    assertThat(server.asked).isEmpty();
  }

  @Test
  void a_key_given_twice_and_input_that_is_no_object() {
    assertThat(Cli.of(server).run("execute", "plugin_d1", "a=1", "a:=2").err())
        .isEqualTo("berth: 'a' is given twice.\n");
    assertThat(Cli.of(server).input("[]").run("execute", "plugin_d1", "-"))
        .isEqualTo(
            new Ran(
                2,
                "",
                "berth: Standard input must be a JSON object, such as {\"message\": \"hi\"}.\n"));
    assertThat(server.asked).isEmpty();
  }

  @Test
  void a_string_is_printed_as_it_reads_and_cannot_act_on_the_terminal() {
    server.on(
        CALL,
        "{\"success\":true,\"result\":\"line 1\\nline\\t2\\u001b[31m 🎲\",\"execution_time\":0.1}");
    assertThat(Cli.of(server).run("execute", "plugin_d1").out())
        .isEqualTo("line 1\nline\\u00092\\u001b[31m 🎲\n");
  }

  @Test
  void a_plugin_that_says_no_is_exit_1() {
    String answer =
        "{\"success\":false,\"result\":{\"success\":false,\"error\":\"no dice\"},\"execution_time\":0.1}";
    server.on(CALL, answer);
    Ran ran = Cli.of(server).run("execute", "dice");
    assertThat(ran.exit()).isEqualTo(1);
    assertThat(ran.out()).contains("\"error\": \"no dice\"");
    assertThat(ran.err()).isEqualTo("berth: dice answered \"success\": false.\n");
    assertThat(Cli.of(server).run("execute", "dice", "--json"))
        .isEqualTo(new Ran(1, answer + "\n", ""));
  }

  @Test
  void a_plugin_that_raises_is_exit_1_and_says_where_to_look() {
    server.problem(CALL, 502, "plugin_error", "Plugin 'dice' (plugin_d1) raised KeyError: 2.");
    assertThat(Cli.of(server).run("execute", "dice"))
        .isEqualTo(
            new Ran(
                1,
                "",
                "berth: Plugin 'dice' (plugin_d1) raised KeyError: 2. `berth errors dice` shows"
                    + " where. [plugin_error]\n"));
    assertThat(Cli.of(server).run("execute", "dice", "--json").err())
        .contains("\"detail\":\"Plugin 'dice' (plugin_d1) raised KeyError: 2.\"");
  }

  @Test
  void a_plugin_that_crashed_says_where_its_last_words_are_once() {
    server.problem(CALL, 502, "plugin_crashed", "dice crashed. It is being started again.");
    assertThat(Cli.of(server).run("execute", "dice").err())
        .isEqualTo(
            "berth: dice crashed. It is being started again. `berth logs dice` shows what it said"
                + " last. [plugin_crashed]\n");
    server.problem(CALL, 502, "plugin_crashed", "dice crashed. `berth logs dice` shows more.");
    assertThat(Cli.of(server).run("execute", "dice").err())
        .isEqualTo("berth: dice crashed. `berth logs dice` shows more. [plugin_crashed]\n");
  }

  @Test
  void another_failure_of_a_call_is_told_as_the_server_words_it() {
    server.problem(CALL, 504, "plugin_timeout", "dice did not answer within 30 s.");
    assertThat(Cli.of(server).run("execute", "dice").err())
        .isEqualTo("berth: dice did not answer within 30 s. [plugin_timeout]\n");
  }

  @Test
  void somebody_who_watches_sees_it_work() {
    server.on(
        CALL,
        200,
        "text/event-stream",
        """
        event: progress
        data: {"fraction":0.5,"message":"half"}

        event: partial
        data: {"value":{"a":1}}

        event: progress
        data: {"fraction":null,"message":"more"}

        event: result
        data: {"success":true,"result":"done","execution_time":2.5}

        """);
    Ran ran = Cli.of(server).terminal().run("execute", "dice");
    assertThat(ran)
        .isEqualTo(
            new Ran(
                0,
                "done\n",
                "\r\u001b[K50 %  half\r\u001b[K{\"a\":1}\n\r\u001b[Kmore\r\u001b[K(2.5 s)\n"));
  }
}
