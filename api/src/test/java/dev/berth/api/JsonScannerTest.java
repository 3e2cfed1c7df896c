package dev.berth.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonScannerTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        "true",
        "false",
        "0",
        "-0",
        "-12.5e+3",
        "1E9",
        "\"\"",
        "\"a\\u00e9\\n\\\"\"",
        "\"\\ud83d\\ude00\"",
        "\"é€😀\"",
        "[]",
        "{}",
        "[1,[2,[]],{}]",
        "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"}\"}",
        " {\n\t\"a\" : [ 1 , 2 ] \r\n} "
      })
  void lets_json_through(String text) {
    assertThat(Json.of(text).toString()).isEqualTo(text.strip());
  }

  static Stream<String> bad() {
    return Stream.of(
        "",
        " ",
        "nul",
        "truex",
        "01",
        "-",
        "1.",
        "1e",
        ".5",
        "+1",
        "NaN",
        "Infinity",
        "'a'",
        "\"",
        "\"\\x\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\ude00\\ud83d\"",
        "\"\\ud800x\"",
        "\"\t\"",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "[1 2]",
        "{",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1,}",
        "{a:1}",
        "{\"a\" 1}",
        "{1:2}",
        "[}",
        "{]",
        "{\"a\":1]",
        "1 2",
        "{} x",
        "\u00001",
        "9".repeat(101),
        "[".repeat(65) + "]".repeat(65));
  }

  @ParameterizedTest
  @MethodSource("bad")
  void refuses_what_is_not_json(String text) {
    assertThatThrownBy(() -> Json.of(text))
        .isInstanceOf(PluginException.class)
        .hasMessageStartingWith("Not valid JSON at byte ");
  }

  @Test
  void lets_64_levels_and_100_digits_through() {
    assertThat(Json.of("[".repeat(64) + "]".repeat(64)).length()).isEqualTo(128);
    assertThat(Json.of("9".repeat(100)).length()).isEqualTo(100);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "80",
        "c080",
        "c1bf",
        "e08080",
        "eda080",
        "f0808080",
        "f4908080",
        "ff",
        "c3",
        "e282"
      })
  void refuses_what_is_not_utf8(String hex) {
    byte[] inner = java.util.HexFormat.of().parseHex(hex);
    byte[] text = new byte[inner.length + 2];
    text[0] = '"';
    System.arraycopy(inner, 0, text, 1, inner.length);
    text[text.length - 1] = '"';
    assertThatThrownBy(() -> Json.of(text, 0, text.length)).isInstanceOf(PluginException.class);
  }

  @Test
  void finds_where_a_value_inside_a_text_ends() {
    byte[] text = "{\"context\":{\"a\":[1]},\"x\":1}".getBytes(StandardCharsets.UTF_8);
    assertThat(JsonScanner.skipValue(text, 11, text.length)).isEqualTo(20);
  }
}
