package dev.berth.host.manifest;

import static dev.berth.host.manifest.ManifestReaderTest.message;
import static dev.berth.host.manifest.ManifestReaderTest.refused;
import static dev.berth.host.manifest.ManifestReaderTest.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The class yaml of the attack cases. */
class YamlAttackTest {
  @Test
  void YML_01_billion_laughs() {
    var yaml = new StringBuilder("a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n");
    for (int level = 1; level < 9; level++) {
      yaml.append("a").append(level).append(": &a").append(level).append(" [");
      yaml.append(("*a" + (level - 1) + ", ").repeat(8)).append("*a").append(level - 1);
      yaml.append("]\n");
    }

    PluginException refused = refused(yaml.toString());

    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage())
        .contains("plugin.yaml:1:5: anchors (&name) are not taken")
        .contains("plugin.yaml:2:10: aliases (*name) are not taken; write the value out")
        .endsWith("and 31 more");
  }

  @Test
  void YML_02_unsafe_global_tag() {
    assertThat(
            message(
                with(
                    "description: !!javax.script.ScriptEngineManager [!!java.net.URLClassLoader"
                        + " [[!!java.net.URL [\"http://127.0.0.1:1/\"]]]]\n")))
        .contains(
            "plugin.yaml:4:14: tags (tag:yaml.org,2002:javax.script.ScriptEngineManager) are not"
                + " taken; leave it out")
        .contains("tags (tag:yaml.org,2002:java.net.URL) are not taken");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "description: !!python/object/apply:os.system [id]",
        "description: !!str 1",
        "description: ! x",
        "? !!set {a}\n: b",
        "%TAG ! tag:evil,2000:\n---\nname: !x y"
      })
  void YML_03_python_tag_and_others(String line) {
    PluginException refused = refused(line.startsWith("%") ? line : with(line + "\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage()).containsAnyOf("tags (", "directives (");
  }

  @Test
  void YML_05_deep_nesting_and_huge_document() {
    assertThat(message("a: " + "[".repeat(10_000)))
        .isEqualTo("plugin.yaml has a problem:\nplugin.yaml:1:23: nested more than 20 levels deep");
    assertThat(message("a:\n" + deepBlock(500))).contains("nested more than 20 levels deep");
    assertThat(message("? ".repeat(10_000) + "a")).contains("nested more than 20 levels deep");

    byte[] huge = new byte[50 << 20];
    java.util.Arrays.fill(huge, (byte) 'a');
    assertThat(
            catchThrowableOfType(PluginException.class, () -> ManifestReaderTest.READER.read(huge))
                .getMessage())
        .isEqualTo(
            "plugin.yaml has a problem:\n"
                + "plugin.yaml:1:1: the file has more than 65,536 bytes, which is the most it may");
    var keys = new StringBuilder();
    for (int i = 0; i < 100_000; i++) {
      keys.append("k").append(i).append(":\n");
    }
    assertThat(message(keys.toString())).contains("more than 65,536 bytes");
  }

  private static String deepBlock(int levels) {
    var yaml = new StringBuilder();
    for (int i = 1; i < Math.min(levels, 300); i++) {
      yaml.append(" ".repeat(i)).append("a:\n");
    }
    return yaml.toString();
  }

  /** What fits into 64 KiB and is meant to be slow, is read in no noticeable time. */
  @ParameterizedTest
  @ValueSource(strings = {"[", "{", "- ", "a: ", "\"", "'", "|", "&a ", "? ", "{a: [", "#", "!"})
  void YML_05_small_but_dense(String piece) {
    String yaml = "a: " + piece.repeat(65_000 / piece.length());
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20), () -> assertThat(refused(yaml)).isNotNull());
  }

  @Test
  void YML_06_second_document() {
    assertThat(message(with("---\nname: other\n")))
        .isEqualTo(
            "plugin.yaml has a problem:\n"
                + "plugin.yaml:4:1: a second document begins here; the file may have one");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "no",
        "on",
        "Off",
        "YES",
        "0o17",
        "017",
        "0x1F",
        "1_000",
        "null",
        "~",
        "",
        "true",
        "1.10",
        "12:30:45",
        "2001-12-14",
        "2001-12-14t21:59:43.10-05:00",
        ".inf",
        ".NaN",
        "+1",
        "1e3",
        "="
      })
  void YML_06_type_surprises(String value) {
    String yaml = "name: " + value + "\nversion: " + value + "\nclass: " + value + "\n";

    PluginException refused = refused(yaml);

    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage())
        .contains("name: expected text, got ")
        .contains("version: expected text, got ")
        .contains("class: expected text, got ");
  }

  @Test
  void YML_06_merge_key() {
    assertThat(message(with("<<: {main: evil.py}\n")))
        .contains("plugin.yaml:4:1: expected a key, got <<, which YAML readers disagree about");
  }

  @Test
  void YML_07_unknown_key() {
    PluginException refused = refused(with("permision: [chat_access]\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_UNKNOWN_FIELD);
    assertThat(refused.getMessage())
        .isEqualTo(
            "plugin.yaml has a problem:\n"
                + "plugin.yaml:4:1: unknown key \"permision\"; did you mean \"permissions\"?");
  }

  @Test
  void YML_07_byte_order_marks() {
    for (String charset : new String[] {"UTF-16", "UTF-16BE", "UTF-16LE"}) {
      String mark = charset.equals("UTF-16") ? "" : "\ufeff";
      assertThat(bytesRefused((mark + with("")).getBytes(Charset.forName(charset))))
          .isEqualTo(
              "plugin.yaml has a problem:\nplugin.yaml:1:1: the file is UTF-16; save it as UTF-8"
                  + " without a byte order mark");
    }
    assertThat(bytesRefused(("\ufeff" + with("")).getBytes(StandardCharsets.UTF_8)))
        .isEqualTo(
            "plugin.yaml has a problem:\nplugin.yaml:1:1: the file begins with a byte order mark;"
                + " save it as UTF-8 without one");
    assertThat(bytesRefused(with("").getBytes(StandardCharsets.UTF_16LE)))
        .isEqualTo(
            "plugin.yaml has a problem:\nplugin.yaml:1:2: the character U+0000 may not stand in"
                + " YAML");
    assertThat(bytesRefused(with("author: Zo\u00eb\n").getBytes(StandardCharsets.ISO_8859_1)))
        .isEqualTo(
            "plugin.yaml has a problem:\nplugin.yaml:4:11: this byte is not UTF-8; save the file as"
                + " UTF-8");
  }

  private static String bytesRefused(byte[] yaml) {
    return catchThrowableOfType(PluginException.class, () -> ManifestReaderTest.READER.read(yaml))
        .getMessage();
  }

  @Test
  void YML_07_tab_indent() {
    assertThat(message(with("resources:\n\tmemory_mb: 64\n")))
        .isEqualTo(
            "plugin.yaml has a problem:\n"
                + "plugin.yaml:5:1: a tab is used for indentation; YAML takes spaces only");
  }

  @Test
  void broken_yaml_says_where() {
    assertThat(message(with("hooks: [on_message\ncommands:\n")))
        .startsWith("plugin.yaml has a problem:\nplugin.yaml:5:9: not valid YAML: ");
    assertThat(message(with("description: a: b\n")))
        .isEqualTo(
            "plugin.yaml has a problem:\n"
                + "plugin.yaml:4:15: not valid YAML: mapping values are not allowed here");
  }

  @Test
  void config_yaml_is_read_as_strictly() {
    var schema = ManifestReaderTest.read(ManifestReaderTest.SAMPLE).configSchema();
    PluginException refused =
        catchThrowableOfType(
            PluginException.class,
            () ->
                ConfigYamlReader.read(
                    "api_key: 12\nendpoit: x\nendpoint: &a no\nendpoint: x\n"
                        .getBytes(StandardCharsets.UTF_8),
                    schema));
    assertThat(refused.code()).isEqualTo(ErrorCode.CONFIG_INVALID);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            config.yaml has 5 problems:
            config.yaml:1:10: api_key: expected text, got 12
            config.yaml:2:1: unknown setting "endpoit"; did you mean "endpoint"?
            config.yaml:3:11: anchors (&name) are not taken; leave it out
            config.yaml:3:11: endpoint: got no, which YAML readers disagree about; put quotes around text, write numbers as in JSON and booleans as true or false
            config.yaml:4:1: the key "endpoint" is here twice, first in line 3\
            """);
    assertThat(ConfigYamlReader.read("# none\n".getBytes(StandardCharsets.UTF_8), schema))
        .hasToString("{}");
    assertThat(
            ConfigYamlReader.read(
                "api_key:\nendpoint: 'https://x'\n".getBytes(StandardCharsets.UTF_8), schema))
        .hasToString("{\"endpoint\":\"https://x\"}");
  }
}
