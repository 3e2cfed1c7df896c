package dev.berth.host.manifest;

import static dev.berth.host.manifest.ManifestReaderTest.message;
import static dev.berth.host.manifest.ManifestReaderTest.read;
import static dev.berth.host.manifest.ManifestReaderTest.refused;
import static dev.berth.host.manifest.ManifestReaderTest.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.Command;
import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The class manifest of the attack cases. */
class ManifestAttackTest {
  private static String quoted(String value) {
    var out = new StringBuilder("\"");
    for (int i = 0; i < value.length(); i++) {
      char c = value.charAt(i);
      out.append(c < ' ' || c == '"' || c == '\\' ? String.format("\\x%02x", (int) c) : c);
    }
    return out.append('"').toString();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../host/app.py",
        "/usr/lib/x.py",
        "sub/../../x.py",
        "..",
        "sub//x.py",
        "./main.py",
        "sub\\x.py",
        "C:/x.py",
        "main.pyc",
        "main",
        "",
        "a\u0000.py",
        "-c.py",
        "~/x.py",
        "main.py\n",
        "a/.hidden/x.py",
        "ma\u202ein.py",
        "%2e%2e/x.py"
      })
  void MAN_01_main_escapes_package(String main) {
    PluginException refused = refused(with("main: " + quoted(main) + "\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_BAD_ENTRY);
    assertThat(refused.getMessage()).contains("plugin.yaml:4:7: main: expected a ");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "MyPlugin; import os",
        "__builtins__",
        "os.system",
        "__import__",
        "__x",
        "1A",
        "",
        "A B",
        "lambda",
        "None",
        "A\u0000",
        "A\n",
        "\u0391lpha",
        "A-B",
        "A()"
      })
  void MAN_02_class_expression(String name) {
    PluginException refused = refused("name: dice\nversion: 1.0.0\nclass: " + quoted(name) + "\n");
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_BAD_ENTRY);
    assertThat(refused.getMessage()).contains("plugin.yaml:3:8: class: ");
  }

  @Test
  void MAN_02_class_of_65_letters() {
    assertThat(read("name: dice\nversion: 1.0.0\nclass: " + "A".repeat(64))).isNotNull();
    assertThat(refused("name: dice\nversion: 1.0.0\nclass: " + "A".repeat(65))).isNotNull();
  }

  static Stream<String> badNames() {
    return Stream.of(
        "../x",
        "..",
        "con",
        "CON",
        "lpt1",
        "admin",
        "",
        "plugin_1",
        "-rf",
        "UPPER",
        "1st",
        "a",
        "a/b",
        "a.b",
        "a b",
        "a\u0000b",
        "a\nb",
        "\u0430dmin",
        "x".repeat(64),
        "x".repeat(300));
  }

  @ParameterizedTest
  @MethodSource("badNames")
  void MAN_03_name_abuse(String name) {
    PluginException refused = refused("name: " + quoted(name) + "\nversion: 1.0.0\nclass: Dice\n");
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage()).contains("plugin.yaml:1:7: name: ");
    assertThat(refused.getMessage().length()).isLessThan(400);
    assertThat(refused.getMessage().replace("\n", ""))
        .matches(text -> text.chars().noneMatch(Character::isISOControl));
  }

  static Stream<String> badVersions() {
    return Stream.of(
        "1.0.0-../../x",
        "99999999999.0.0",
        "1e9",
        "",
        "v1",
        "v1.0.0",
        "1.0",
        "1.0.0+<script>",
        "01.0.0",
        "1.0.0-01",
        "1.0.0 ",
        "1.0.0\n",
        "1.0.0-",
        "1.2.3.4",
        "latest",
        "1.0.0-" + "a".repeat(60_000));
  }

  @ParameterizedTest
  @MethodSource("badVersions")
  void MAN_05_version_strings(String version) {
    PluginException refused =
        refused("name: dice\nclass: Dice\nversion: " + quoted(version) + "\n");
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage())
        .contains(
            "plugin.yaml:3:10: version: expected a version by SemVer 2.0.0 such as 1.4.0 or"
                + " 2.0.0-rc.1, got ");
    assertThat(refused.getMessage().length()).isLessThan(400);
  }

  @Test
  void MAN_06_commands_that_look_alike() {
    assertThat(message(with("commands: [{name: /roll}, {name: /Roll}]\n")))
        .contains("commands[1].name: expected a slash")
        .contains("did you mean \"/roll\"?");
    assertThat(message(with("commands: [{name: /roll}, {name: /roll}]\n")))
        .contains("commands[1].name: the same command as commands[0]");
    for (String name : List.of("/.*", "/(a+)+", "/", "//roll", "/ro ll", "/r\u043ell", "/1")) {
      assertThat(message(with("commands: [{name: " + quoted(name) + "}]\n")))
          .contains("commands[0].name: expected a slash");
    }
  }

  @Test
  void MAN_06_commands_that_are_taken() {
    var wanted =
        List.of(
            new Command("/help", "", ""), new Command("/roll", "", ""), new Command("/x", "", ""));
    PluginException refused =
        catchThrowableOfType(
            PluginException.class,
            () ->
                CommandRules.checkFree("fake", wanted, Map.of(CommandRules.key("/Roll"), "dice")));
    assertThat(refused.code()).isEqualTo(ErrorCode.COMMAND_CONFLICT);
    assertThat(refused.getMessage())
        .isEqualTo(
            "Plugin fake wants commands that are taken: /help (of the chat itself), /roll (of"
                + " dice). Rename them in its plugin.yaml, or uninstall the plugin that has them.");
    assertThat(refused.details()).containsEntry("commands", List.of("/help", "/roll"));
    CommandRules.checkFree("fake", List.of(new Command("/x", "", "")), Map.of("/roll", "dice"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "memory_mb: -1",
        "memory_mb: 0",
        "memory_mb: 1e9",
        "memory_mb: '512'",
        "memory_mb: 4097",
        "memory_mb: 99999999999999999999",
        "memory_mb: 512.5",
        "memory_mb: 0x200",
        "memory_mb: [512]",
        "memory_mb:",
        "cpu_shares: 262145",
        "cpu_shares: 1",
        "timeout_seconds: 1e12",
        "timeout_seconds: .NaN",
        "timeout_seconds: .inf",
        "timeout_seconds: 601",
        "timeout_seconds: 0",
        "timeout_seconds: true"
      })
  void MAN_07_resource_abuse(String line) {
    PluginException refused = refused(with("resources:\n  " + line + "\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage())
        .contains("plugin.yaml:5:")
        .contains("resources." + line.substring(0, line.indexOf(':')) + ": expected ");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ADMIN_ACCESS", "network_access ", "admin_access\u0000", "*", "all"})
  void MAN_08_permission_smuggling(String permission) {
    PluginException refused = refused(with("permissions: [" + quoted(permission) + "]\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage())
        .contains("plugin.yaml:4:15: permissions[0]: unknown permission \"");
  }

  @Test
  void MAN_08_required_and_optional() {
    assertThat(message(with("permissions: [chat_access]\noptional_permissions: [chat_access]\n")))
        .isEqualTo(
            "plugin.yaml has a problem:\nplugin.yaml:5:23: optional_permissions: chat_access is in"
                + " permissions too; it is either required or optional");
    assertThat(message(with("optional_permissions: [admin_access]\n")))
        .isEqualTo(
            "plugin.yaml has a problem:\nplugin.yaml:4:23: optional_permissions: admin_access can't"
                + " be optional; ask for it in permissions or not at all");
    assertThat(message(with("permissions: [chat_access, chat_access]\n")))
        .contains("permissions[1]: chat_access is listed twice");
  }

  @Test
  void MAN_10_image_chosen_by_the_plugin() {
    PluginException refused =
        refused(with("dockerfile: Other\nprivileged: true\nsandbox: {type: none}\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_UNKNOWN_FIELD);
    assertThat(refused.getMessage())
        .contains("unknown key \"dockerfile\"")
        .contains("unknown key \"privileged\"")
        .contains("unknown key \"sandbox\"");
    for (String image : List.of("python", "python:3.12-slim", "localhost/x", "reg:5000/a/b")) {
      assertThat(ManifestReaderTest.read(with("docker_image: \"" + image + "\"\n")).dockerImage())
          .isEqualTo(image);
    }
    // A name alone is taken; whether it is followed is for the operator to say (DockerSandboxTest).
    for (String image :
        List.of(
            "../../etc",
            "x --privileged",
            "x?platform=y",
            "https://a/x",
            "-x",
            "UPPER/x",
            "x@sha256:0",
            "a/" + "b".repeat(300))) {
      assertThat(message(with("docker_image: \"" + image + "\"\n")))
          .as(image)
          .startsWith(
              "plugin.yaml has a problem:\nplugin.yaml:4:15: docker_image: expected an image such"
                  + " as python:3.12-slim");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"a\u001b[2Jb", "a\u202eb", "a\u0000b", "a\rb", "a\u0085b", "a\u2066b"})
  void text_can_not_disguise_itself(String text) {
    var escaped = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      escaped.append(c < 128 && c >= ' ' ? String.valueOf(c) : String.format("\\u%04x", (int) c));
    }
    for (String key : List.of("description", "author", "license")) {
      assertThat(message(with(key + ": \"" + escaped + "\"\n")))
          .contains("plugin.yaml:4:")
          .contains(key + ": the character U+");
    }
  }

  @Test
  void long_text_is_refused() {
    assertThat(message(with("description: " + "x".repeat(2001) + "\n")))
        .contains("description: expected at most 2,000 characters");
    assertThat(message(with("author: |\n  a\n  b\n"))).contains("author: expected one line");
    assertThat(message(with("dependencies: [" + "a, ".repeat(201) + "]\n")))
        .contains("dependencies: expected at most 200 items");
  }
}
