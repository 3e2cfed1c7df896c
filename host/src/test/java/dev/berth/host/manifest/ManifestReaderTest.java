package dev.berth.host.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.Command;
import dev.berth.api.ConfigSchema.Setting;
import dev.berth.api.ConfigSchema.ValueType;
import dev.berth.api.EntryPoint;
import dev.berth.api.ErrorCode;
import dev.berth.api.Hook;
import dev.berth.api.Permission;
import dev.berth.api.PluginException;
import dev.berth.api.PluginManifest;
import dev.berth.api.PluginType;
import dev.berth.api.ResourceLimits;
import dev.berth.api.Version;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What authors write, rightly and wrongly. Messages are pinned whole: they are what authors see.
 */
class ManifestReaderTest {
  static final ManifestReader READER =
      new ManifestReader(ResourceLimits.MAXIMUM, new Version("0.1.0"));

  /** The specification's sample. */
  static final String SAMPLE =
      """
      name: my-plugin
      version: 1.0.0
      description: Example plugin for chat system
      author: Your Name
      email: your.email@example.com
      license: MIT

      # Plugin type
      type: extension  # extension, integration, ai-model, workflow

      # Entry point
      main: main.py
      class: MyPlugin

      # Dependencies
      dependencies:
        - requests>=2.31.0
        - beautifulsoup4>=4.12.0

      # Required permissions
      permissions:
        - network_access
        - chat_access
        - api_access

      # Optional permissions
      optional_permissions:
        - filesystem_read
        - database_read

      # Resource limits
      resources:
        memory_mb: 512
        cpu_shares: 1024
        timeout_seconds: 30

      # Configuration schema
      config_schema:
        api_key:
          type: string
          required: true
          description: API key for external service
        endpoint:
          type: string
          default: https://api.example.com
          description: API endpoint URL

      # Hooks (when plugin should be triggered)
      hooks:
        - on_message
        - on_file_upload
        - on_command

      # Commands
      commands:
        - name: /myplugin
          description: Run my plugin
          usage: /myplugin [args]
      """;

  static PluginManifest read(String yaml) {
    return READER.read(yaml.getBytes(StandardCharsets.UTF_8));
  }

  static PluginException refused(String yaml) {
    return catchThrowableOfType(PluginException.class, () -> read(yaml));
  }

  /** The least manifest, and {@code more} after its three lines. */
  static String with(String more) {
    return "name: dice\nversion: 1.0.0\nclass: Dice\n" + more;
  }

  static String message(String yaml) {
    PluginException refused = refused(yaml);
    assertThat(refused).as("read without complaint:\n%s", yaml).isNotNull();
    return refused.getMessage();
  }

  @Test
  void reads_the_specifications_sample() {
    PluginManifest manifest = read(SAMPLE);

    assertThat(manifest)
        .isEqualTo(
            new PluginManifest(
                "my-plugin",
                new Version("1.0.0"),
                "Example plugin for chat system",
                "Your Name",
                "your.email@example.com",
                "MIT",
                PluginType.EXTENSION,
                new EntryPoint("main.py", "MyPlugin"),
                List.of("requests>=2.31.0", "beautifulsoup4>=4.12.0"),
                Set.of(Permission.NETWORK_ACCESS, Permission.CHAT_ACCESS, Permission.API_ACCESS),
                Set.of(Permission.FILESYSTEM_READ, Permission.DATABASE_READ),
                new ResourceLimits(512, 1024, 30),
                manifest.configSchema(),
                Set.of(Hook.ON_MESSAGE, Hook.ON_FILE_UPLOAD, Hook.ON_COMMAND),
                List.of(new Command("/myplugin", "Run my plugin", "/myplugin [args]")),
                List.of(),
                "",
                "",
                ""));
    assertThat(manifest.configSchema().settings())
        .containsExactly(
            Map.entry(
                "api_key",
                new Setting(
                    ValueType.STRING,
                    true,
                    null,
                    "API key for external service",
                    false,
                    List.of(),
                    null,
                    null,
                    null)),
            Map.entry(
                "endpoint",
                new Setting(
                    ValueType.STRING,
                    false,
                    "\"https://api.example.com\"",
                    "API endpoint URL",
                    false,
                    List.of(),
                    null,
                    null,
                    null)));
  }

  @Test
  void fills_in_what_is_optional() {
    PluginManifest manifest = read(with(""));

    assertThat(manifest.type()).isEqualTo(PluginType.EXTENSION);
    assertThat(manifest.entryPoint()).isEqualTo(new EntryPoint("main.py", "Dice"));
    assertThat(manifest.resources()).isEqualTo(new ResourceLimits(512, 1024, 30));
    assertThat(manifest.description()).isEmpty();
    assertThat(manifest.permissions()).isEmpty();
    assertThat(manifest.hooks()).isEmpty();
    assertThat(manifest.configSchema().settings()).isEmpty();
  }

  @Test
  void takes_windows_line_ends_comments_and_block_text() {
    PluginManifest manifest =
        read(
            ("# mine\n---\n" + with("description: >\n  Rolls\n  dice.\nauthor: 'Zoë 🎲'\n..."))
                .replace("\n", "\r\n"));

    assertThat(manifest.description()).isEqualTo("Rolls dice.");
    assertThat(manifest.author()).isEqualTo("Zoë 🎲");
  }

  @Test
  void says_everything_that_is_wrong_at_once() {
    PluginException refused =
        refused(
            """
            name: My Plugin
            version: 1.10
            main: app/../../main.py
            class: MyPlugin
            permisions:
              - chat_acess
            permissions: [chat_acess, network-access]
            resources:
              memory_mb: "512"
              timeout: 5
            hooks: [on_mesage]
            commands:
              - name: myplugin
              - description: nameless
            """);

    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_INVALID);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            plugin.yaml has 11 problems:
            plugin.yaml:1:7: name: expected 2 to 63 lower-case letters, digits or hyphens, a letter first, got "My Plugin"; "my-plugin" would do
            plugin.yaml:2:10: version: expected text, got the number 1.10; put quotes around it and give all three parts: "1.10.0"
            plugin.yaml:3:7: main: expected a path inside the package such as main.py or src/main.py, got "app/../../main.py"
            plugin.yaml:5:1: unknown key "permisions"; did you mean "permissions"?
            plugin.yaml:7:15: permissions[0]: unknown permission "chat_acess"; did you mean "chat_access"?
            plugin.yaml:7:27: permissions[1]: unknown permission "network-access"; did you mean "network_access"?
            plugin.yaml:9:14: resources.memory_mb: expected a whole number, got the text "512"; leave the quotes out
            plugin.yaml:10:3: unknown key "timeout" in resources; did you mean "timeout_seconds"?
            plugin.yaml:11:9: hooks[0]: unknown hook "on_mesage"; did you mean "on_message"?
            plugin.yaml:13:11: commands[0].name: expected a slash, a lower-case letter and up to 31 letters, digits, - or _, got "myplugin"; did you mean "/myplugin"?
            plugin.yaml:14:5: commands[1].name is missing; add a line such as `name: /roll`\
            """);
    assertThat(refused.details().get("problems"))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
        .hasSize(11)
        .first()
        .isEqualTo(
            Map.of(
                "file",
                "plugin.yaml",
                "line",
                1,
                "column",
                7,
                "message",
                "name: expected 2 to 63 lower-case letters, digits or hyphens, a letter first, got"
                    + " \"My Plugin\"; \"my-plugin\" would do"));
  }

  @Test
  void names_what_is_missing() {
    assertThat(message("description: nothing else\n"))
        .isEqualTo(
            """
            plugin.yaml has 3 problems:
            plugin.yaml:1:1: name is missing; add a line such as `name: my-plugin`
            plugin.yaml:1:1: version is missing; add a line such as `version: 1.0.0`
            plugin.yaml:1:1: class is missing; add a line such as `class: MyPlugin`\
            """);
    assertThat(message("# nothing\n"))
        .isEqualTo(
            """
            plugin.yaml has a problem:
            plugin.yaml:1:1: the file is empty; it needs at least name, version and class\
            """);
    assertThat(message("- name: x\n"))
        .isEqualTo(
            """
            plugin.yaml has a problem:
            plugin.yaml:1:1: expected keys and values such as `name: my-plugin`, got a list\
            """);
  }

  @Test
  void holds_the_host_version_against_min_host_version() {
    assertThat(read(with("min_host_version: 0.1.0\n")).minHostVersion()).isEqualTo("0.1.0");
    PluginException refused = refused(with("min_host_version: 2.0.0\n"));
    assertThat(refused.code()).isEqualTo(ErrorCode.HOST_VERSION_UNSUPPORTED);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            plugin.yaml has a problem:
            plugin.yaml:4:19: min_host_version: the plugin needs Berth 2.0.0 or newer, and this is 0.1.0; update Berth or take an older version of the plugin\
            """);
    assertThat(
            READER
                .forStored()
                .read(with("min_host_version: 2.0.0\n").getBytes(StandardCharsets.UTF_8)))
        .isNotNull();
  }

  @Test
  void a_limit_lowered_later_holds_for_packages_taken_before() {
    byte[] yaml =
        with("resources: {memory_mb: 4096, timeout_seconds: 600}\n")
            .getBytes(StandardCharsets.UTF_8);
    var lowered = new ManifestReader(new ResourceLimits(256, 4096, 60), new Version("0.1.0"));
    assertThat(catchThrowableOfType(PluginException.class, () -> lowered.read(yaml))).isNotNull();
    assertThat(lowered.forStored().read(yaml).resources())
        .isEqualTo(new ResourceLimits(256, 1024, 60));
  }

  @Test
  void checks_that_main_is_in_the_package() {
    byte[] yaml = with("main: man.py\n").getBytes(StandardCharsets.UTF_8);
    PluginException refused =
        catchThrowableOfType(
            PluginException.class, () -> READER.read(yaml, List.of("plugin.yaml", "main.py")));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_BAD_ENTRY);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            plugin.yaml has a problem:
            plugin.yaml:4:7: main: man.py is not in the package; did you mean "main.py"?\
            """);

    byte[] silent = with("").getBytes(StandardCharsets.UTF_8);
    refused =
        catchThrowableOfType(
            PluginException.class, () -> READER.read(silent, List.of("plugin.yaml", "bot.py")));
    assertThat(refused.code()).isEqualTo(ErrorCode.MANIFEST_BAD_ENTRY);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            plugin.yaml has a problem:
            plugin.yaml:1:1: main: main.py, which stands where main is left out, is not in the package; it has bot.py\
            """);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          description:            | 4:13: description: expected text, got nothing; write a value or leave the line out
          description: yes        | 4:14: description: expected text, got yes, which YAML readers disagree about; put quotes around it: "yes"
          author: [a, b]          | 4:9: author: expected text, got a list
          license: true           | 4:10: license: expected text, got the boolean true; put quotes around it: "true"
          email: me               | 4:8: email: expected an address such as you@example.com
          type: extention         | 4:7: type: unknown plugin type "extention"; did you mean "extension"?
          type: bot               | 4:7: type: unknown plugin type "bot"; expected one of extension, integration, ai-model, workflow
          hooks: on_message       | 4:8: hooks: expected a list of hooks, got the text "on_message"
          hooks: [on_message, on_message] | 4:21: hooks[1]: on_message is listed twice
          dependencies: [requests=2.0] | 4:16: dependencies[0]: expected a requirement such as requests>=2.31.0, got "requests=2.0"; an exact version is written ==
          dependencies: [git+https://x/y.git] | 4:16: dependencies[0]: paths and URLs are not taken, for packages come from the operator's index; got "git+https://x/y.git"
          python_requires: 3.9    | 4:18: python_requires: expected text, got the number 3.9; put quotes around it: "3.9"
          python_requires: "3.9"  | 4:18: python_requires: expected Python versions such as ">=3.9" or ">=3.9,<3.14", got "3.9"
          resources: {memory_mb: 100000} | 4:24: resources.memory_mb: expected 16 to 4096 (this host's limit), got 100000
          commands: [/roll]       | 4:12: commands[0]: expected keys and values, got the text "/roll"
          container: python:3     | 4:1: unknown key "container"; the keys are name, version, description, author, email, license, type, main, class, dependencies, permissions, optional_permissions, resources, config_schema, hooks, commands, egress, docker_image, python_requires, min_host_version
          egress: [a.example]     | 4:9: egress: says where to connect to, but neither permissions nor optional_permissions has network_access; add it there or leave egress out
          name: twice             | 4:1: the key "name" is here twice, first in line 1
          """)
  void typical_mistakes(String line, String expected) {
    assertThat(message(with(line + "\n")))
        .isEqualTo("plugin.yaml has a problem:\nplugin.yaml:" + expected);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          a.example    | a.example
          *.a.example  | *.a.example
          '10.0.0.7:8080' | '10.0.0.7:8080'
          https://a.example/x | 5:10: egress[0]: expected a place, got the address "https://a.example/x"; write "a.example"
          a.example/v1 | 5:10: egress[0]: expected a place, got "a.example/v1"; egress knows hosts and ports, not paths: write "a.example"
          'a.example:0' | 5:10: egress[0]: expected HOST, HOST:PORT, *.DOMAIN or *.DOMAIN:PORT, got "a.example:0"
          'a b'        | 5:10: egress[0]: expected HOST, HOST:PORT, *.DOMAIN or *.DOMAIN:PORT, got "a b"
          """)
  void egress_names_places(String item, String expected) {
    String yaml = with("permissions: [network_access]\negress: [\"" + item + "\"]\n");
    if (expected.startsWith("5:")) {
      assertThat(message(yaml)).isEqualTo("plugin.yaml has a problem:\nplugin.yaml:" + expected);
    } else {
      assertThat(read(yaml).egress()).containsExactly(expected);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {}                                   | k.type is missing; add a line such as `type: string`
          {type: str}                          | k.type: unknown type "str"; did you mean "string"?
          {type: list}                         | k.type: unknown type "list"; expected one of string, integer, number, boolean, array, object
          {type: integer, default: "3"}        | k.default: expected a whole number, got "3"
          {type: string, default: 3}           | k.default: expected text, got 3; put quotes around it
          {type: integer, min: 3}              | unknown key "min" in config_schema.k; did you mean "minimum"?
          {type: integer, minimum: 3, maximum: 2} | k.maximum: less than minimum
          {type: boolean, minimum: 3}          | k.minimum: goes with numbers, text and lists, not with boolean
          {type: string, maximum: -1}          | k.maximum: is a length here; expected a whole number from 0
          {type: integer, pattern: a}          | k.pattern: goes with type string, not with integer
          {type: string, pattern: '(a'}        | k.pattern: "(a" has a ( without its )
          {type: string, pattern: '(?=a)'}     | k.pattern: "(?=a)" has (?, which is not known but for (?:
          {type: string, enum: []}             | k.enum: expected 1 to 200 values
          {type: string, enum: [a, b], default: c} | k.default: expected one of "a", "b", got "c"
          {type: integer, minimum: 1, default: 0} | k.default: expected at least 1, got 0
          {type: string, required: yes}        | k.required: expected true or false, got yes, which YAML readers disagree about
          {type: number, default: 1e999}       | k.default: got the number 1e999, which is too large
          """)
  void typical_mistakes_in_a_schema(String setting, String expected) {
    String message = message(with("config_schema:\n  k: " + setting + "\n"));

    assertThat(message).startsWith("plugin.yaml has a problem:\n");
    assertThat(message)
        .endsWith((expected.startsWith("k.") ? ": config_schema." : ": ") + expected);
  }

  @Test
  void reads_every_kind_of_setting() {
    PluginManifest manifest =
        read(
            with(
                """
                config_schema:
                  token: {type: string, secret: true, required: true}
                  level: {type: string, enum: [low, high], default: low}
                  limit: {type: integer, minimum: 1, maximum: 10, default: 3}
                  ratio: {type: number, default: 0.5}
                  loud: {type: boolean, default: false}
                  tags: {type: array, default: [a, 1, null], maximum: 5}
                  extra: {type: object, default: {a: {b: true}}}
                  code: {type: string, pattern: "^[A-Z]{2}$", default: AB}
                """));

    assertThat(manifest.configSchema().settings().keySet())
        .containsExactly("token", "level", "limit", "ratio", "loud", "tags", "extra", "code");
    assertThat(manifest.configSchema().settings().get("tags").defaultValue())
        .isEqualTo("[\"a\",1,null]");
    assertThat(manifest.configSchema().settings().get("extra").defaultValue())
        .isEqualTo("{\"a\":{\"b\":true}}");
    assertThat(manifest.configSchema().settings().get("token").secret()).isTrue();
    assertThat(manifest.configSchema().settings().get("limit").maximum()).isEqualTo(10.0);
  }
}
