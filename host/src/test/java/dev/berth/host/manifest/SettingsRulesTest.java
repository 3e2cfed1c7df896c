package dev.berth.host.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.berth.api.ConfigSchema;
import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SettingsRulesTest {
  private static final ConfigSchema SCHEMA =
      ManifestReaderTest.read(
              ManifestReaderTest.with(
                  """
                  config_schema:
                    api_key: {type: string, required: true, secret: true, description: Key of the service, minimum: 4}
                    endpoint: {type: string, default: https://api.example.com}
                    level: {type: string, enum: [low, high]}
                    limit: {type: integer, minimum: 1, maximum: 10, default: 3}
                    ratio: {type: number, enum: [0.5, 1]}
                    loud: {type: boolean}
                    tags: {type: array, maximum: 2}
                    extra: {type: object}
                    code: {type: string, pattern: "[A-Z]{2}"}
                  """))
          .configSchema();

  private static PluginException refused(String overrides) {
    return catchThrowableOfType(
        PluginException.class, () -> SettingsRules.check(SCHEMA, Json.of(overrides)));
  }

  @Test
  void operator_over_package_over_schema() {
    Json effective =
        SettingsRules.effective(
            SCHEMA,
            Json.of("{\"limit\":5,\"level\":\"low\",\"loud\":null}"),
            Json.of("{\"level\":\"high\",\"limit\":null,\"gone\":1,\"api_key\":\"sesame\"}"));

    assertThat(effective)
        .hasToString(
            "{\"api_key\":\"sesame\",\"endpoint\":\"https://api.example.com\",\"level\":\"high\",\"limit\":5}");
  }

  @Test
  void takes_what_fits() {
    SettingsRules.check(
        SCHEMA,
        Json.of(
            "{\"api_key\":\"sesame\",\"level\":\"high\",\"limit\":10,\"ratio\":1.0,\"loud\":true,"
                + "\"tags\":[1,2],\"extra\":{\"a\":[]},\"code\":\"AB\",\"endpoint\":null}"));
  }

  @Test
  void says_everything_that_does_not_fit() {
    PluginException refused =
        refused(
            "{\"api_key\":7,\"api_kei\":\"x\",\"level\":\"hihg\",\"limit\":11,\"ratio\":2,"
                + "\"loud\":\"yes\",\"tags\":[1,2,3],\"extra\":[],\"code\":\"abc\",\"zzz\":1}");

    assertThat(refused.code()).isEqualTo(ErrorCode.CONFIG_INVALID);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            10 settings are wrong:
            api_key: expected text, got a number
            api_kei: unknown setting; did you mean "api_key"?
            level: expected one of "low", "high", got "hihg"; did you mean "high"?
            limit: expected 1 to 10, got 11
            ratio: expected one of 0.5, 1, got 2
            loud: expected true or false, got "yes"
            tags: expected at most 2 items, got 3
            extra: expected an object, got a list
            code: expected text that matches [A-Z]{2}, got "abc"
            zzz: unknown setting; the settings are api_key, endpoint, level, limit, ratio, loud, tags, extra, code\
            """);
    assertThat(refused.details().get("problems"))
        .asInstanceOf(org.assertj.core.api.InstanceOfAssertFactories.LIST)
        .contains(Map.of("setting", "limit", "message", "expected 1 to 10, got 11"));
  }

  @Test
  void a_secret_is_never_in_a_message() {
    assertThat(refused("{\"api_key\":\"abc\"}").getMessage())
        .isEqualTo("A setting is wrong:\napi_key: expected at least 4 characters, got 3");
    assertThat(refused("{\"api_key\":[\"hunter2\"]}").getMessage()).doesNotContain("hunter2");
    assertThat(refused("{\"api_key\":{\"secret\":true,\"set\":true}}").getMessage())
        .isEqualTo(
            "A setting is wrong:\napi_key: expected text, got an object; a secret that is set is"
                + " shown as an object in its place: leave it out to keep it");
  }

  @Test
  void refuses_what_is_no_object_and_keys_given_twice() {
    assertThat(refused("[]").getMessage())
        .isEqualTo("Settings are a JSON object such as {\"key\": \"value\"}, not [].");
    assertThat(refused("{\"limit\":1,\"limit\":2}").code()).isEqualTo(ErrorCode.CONFIG_INVALID);
    assertThat(refused("{\"limit\":1e400}").getMessage())
        .contains("limit: expected a whole number");
    assertThat(refused("{\"ratio\":1e400}").code()).isEqualTo(ErrorCode.CONFIG_INVALID);
    assertThat(refused("{\"limit\":99999999999999999999}").getMessage())
        .contains("limit: expected a whole number");
  }

  @Test
  void names_required_settings_without_a_value() {
    PluginException refused =
        catchThrowableOfType(
            PluginException.class,
            () -> SettingsRules.checkComplete("plugin_x", SCHEMA, Json.of("{\"limit\":3}")));
    assertThat(refused.code()).isEqualTo(ErrorCode.CONFIG_MISSING);
    assertThat(refused.getMessage())
        .isEqualTo(
            """
            Plugin plugin_x needs settings that have no value:
            api_key: Key of the service
            Set them with: berth config plugin_x api_key=VALUE\
            """);
    assertThat(refused.details()).containsEntry("settings", List.of("api_key"));
    SettingsRules.checkComplete("plugin_x", SCHEMA, Json.of("{\"api_key\":\"x\"}"));
  }

  @Test
  void redacts_secrets_and_what_it_does_not_know() {
    assertThat(
            SettingsRules.redact(
                SCHEMA, Json.of("{\"api_key\":\"sesame\",\"limit\":3,\"old_key\":\"sesame\"}")))
        .hasToString("{\"api_key\":{\"secret\":true,\"set\":true},\"limit\":3}");
    assertThat(SettingsRules.redact(SCHEMA, Json.of("{\"api_key\":null}"))).hasToString("{}");
  }

  @Test
  void merges_and_removes() {
    assertThat(
            SettingsRules.merge(
                Json.of("{\"a\":1,\"b\":2}"),
                Json.of("{\"b\":null,\"c\":{\"d\":null},\"e\":null}")))
        .hasToString("{\"a\":1,\"c\":{\"d\":null}}");
  }
}
