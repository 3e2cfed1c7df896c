package dev.berth.host.store;

import static dev.berth.api.TenantId.DEFAULT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SettingsStoreTest {
  private static final String SECRET = "correct-horse-battery-staple-\u00e4\ud83d\ude00";
  private static final Set<String> NONE = Set.of();

  @TempDir Path dir;
  private Store store;
  private PluginId id;

  @BeforeEach
  void open() {
    store = Store.open(dir);
    id =
        store
            .registry()
            .findByName(DEFAULT, "dice")
            .orElseGet(() -> Rows.installed(store, DEFAULT, "dice"))
            .id();
  }

  @AfterEach
  void close() {
    store.close();
  }

  private void reopen() {
    store.close();
    open();
  }

  @Test
  void settings_come_back_as_they_were_written() {
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(Json.EMPTY_OBJECT);
    store
        .settings()
        .write(
            DEFAULT,
            id,
            Json.of(
                "{ \"b\" : 1.50, \"a\\u0062\":[1, {\"x\":\"}\\\"\"} ] , \"token\":\""
                    + SECRET
                    + "\", \"n\":12345678901234567890123}"),
            Set.of("token", "absent"));
    reopen();
    assertThat(store.settings().read(DEFAULT, id))
        .isEqualTo(
            Json.of(
                "{\"ab\":[1, {\"x\":\"}\\\"\"} ],\"b\":1.50,\"n\":12345678901234567890123,"
                    + "\"token\":\""
                    + SECRET
                    + "\"}"));
    store.settings().write(DEFAULT, id, Json.of("{\"token\":{\"deep\":[\"x\"]}}"), Set.of("token"));
    assertThat(store.settings().read(DEFAULT, id))
        .isEqualTo(Json.of("{\"token\":{\"deep\":[\"x\"]}}"));
    store.settings().delete(DEFAULT, id);
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(Json.EMPTY_OBJECT);
  }

  @Test
  void what_was_rolled_back_was_never_there() {
    store.settings().write(DEFAULT, id, Json.of("{\"a\":1}"), NONE);
    assertThatThrownBy(() ->
            store.transaction(
                (Runnable)
                    () -> {
                      store.settings().write(DEFAULT, id, Json.of("{\"a\":2}"), NONE);
                      assertThat(store.settings().read(DEFAULT, id))
                          .isEqualTo(Json.of("{\"a\":2}"));
                      throw new IllegalStateException("on purpose");
                    }))
        .hasMessage("on purpose");
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(Json.of("{\"a\":1}"));
  }

  @Test
  void no_file_but_the_key_file_has_a_secret_and_that_one_has_only_the_key() throws Exception {
    store.settings().write(DEFAULT, id, secret(), Set.of("token"));
    store.manifest().write();
    assertThat(filesWith(SECRET)).isEmpty();
    store.settings().delete(DEFAULT, id);
    assertThat(filesWith(SECRET)).isEmpty();
    reopen();
    assertThat(filesWith(SECRET)).isEmpty();
    Path keys = dir.resolve("keys");
    assertThat(mode(keys)).isEqualTo("rwx------");
    assertThat(mode(keys.resolve("secrets.json"))).isEqualTo("rw-------");
    assertThat(mode(dir.resolve("berth.db"))).isEqualTo("rw-------");
    assertThat(mode(dir.resolve("berth.db-wal"))).isEqualTo("rw-------");
  }

  @Test
  void a_setting_that_turns_secret_leaves_no_trace_of_its_plain_form() throws Exception {
    store.settings().write(DEFAULT, id, secret(), NONE);
    assertThat(filesWith(SECRET)).isNotEmpty();
    store.settings().write(DEFAULT, id, store.settings().read(DEFAULT, id), Set.of("token"));
    assertThat(filesWith(SECRET)).isEmpty();
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(secret());
    store.settings().write(DEFAULT, id, store.settings().read(DEFAULT, id), NONE);
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(secret());
    assertThat(filesWith(SECRET)).isNotEmpty();
  }

  @Test
  void the_same_inside_a_transaction_of_the_caller() throws Exception {
    store.settings().write(DEFAULT, id, secret(), NONE);
    store.transaction(() -> store.settings().write(DEFAULT, id, secret(), Set.of("token")));
    assertThat(filesWith(SECRET)).isEmpty();
  }

  @Test
  void a_missing_key_file_is_said_and_never_replaced_while_it_is_needed() throws Exception {
    store.settings().write(DEFAULT, id, secret(), Set.of("token"));
    Path key = dir.resolve("keys").resolve("secrets.json");
    Files.delete(key);
    reopen();
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().read(DEFAULT, id))
        .withMessage(
            "The secrets of "
                + id
                + " can't be used: the key file "
                + key
                + " is missing. Put back the key file that belongs to this database and restart. If"
                + " it is lost, so are the secrets: uninstall the plugins that have some, and"
                + " install them anew.")
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
    PluginRow other = Rows.installed(store, DEFAULT, "other");
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().write(DEFAULT, other.id(), secret(), Set.of("token")))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
    assertThat(key).doesNotExist();
    // The remedy the message names.
    store.registry().delete(DEFAULT, id);
    store.settings().write(DEFAULT, other.id(), secret(), Set.of("token"));
    assertThat(store.settings().read(DEFAULT, other.id())).isEqualTo(secret());
  }

  @Test
  void another_key_or_a_broken_key_file_is_said() throws Exception {
    store.settings().write(DEFAULT, id, secret(), Set.of("token"));
    Path key = dir.resolve("keys").resolve("secrets.json");
    Files.delete(key);
    // Made by another data folder.
    Path elsewhere = dir.resolve("elsewhere");
    try (Store second = Store.open(elsewhere)) {
      PluginRow row = Rows.installed(second, DEFAULT, "x");
      second.settings().write(DEFAULT, row.id(), secret(), Set.of("token"));
    }
    Files.copy(elsewhere.resolve("keys").resolve("secrets.json"), key);
    reopen();
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().read(DEFAULT, id))
        .withMessageContaining("does not fit them")
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
    Files.writeString(key, "{}");
    reopen();
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().read(DEFAULT, id))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().write(DEFAULT, id, secret(), Set.of("token")))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
    assertThat(key).content().isEqualTo("{}");
  }

  @Test
  void a_secret_moved_to_another_place_does_not_open() throws Exception {
    PluginRow other = Rows.installed(store, DEFAULT, "other");
    store.settings().write(DEFAULT, id, secret(), Set.of("token"));
    store.settings().write(DEFAULT, other.id(), secret(), Set.of("token"));
    try (Connection connection =
            Database.source(dir.resolve("berth.db"), Duration.ofSeconds(5), false).getConnection();
        Statement statement = connection.createStatement()) {
      assertThat(
              statement.executeUpdate(
                  "UPDATE setting SET sealed = (SELECT sealed FROM setting WHERE plugin = '"
                      + id
                      + "') WHERE plugin = '"
                      + other.id()
                      + "'"))
          .isEqualTo(1);
    }
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(secret());
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().read(DEFAULT, other.id()))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT));
  }

  @Test
  void settings_belong_to_an_installed_plugin_of_the_tenant_and_go_with_it() {
    for (var unknown : List.of(new PluginId("plugin_none"), id)) {
      assertThatExceptionOfType(PluginException.class)
          .isThrownBy(() -> store.settings().write(Rows.OTHER, unknown, Json.of("{\"a\":1}"), NONE))
          .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND));
    }
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> store.settings().write(DEFAULT, id, Json.of("[]"), NONE))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.CONFIG_INVALID));
    store.settings().write(DEFAULT, id, Json.of("{\"a\":1}"), NONE);
    assertThat(store.settings().read(Rows.OTHER, id)).isEqualTo(Json.EMPTY_OBJECT);
    store.registry().delete(DEFAULT, id);
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(Json.EMPTY_OBJECT);
  }

  @Test
  void a_key_file_that_others_can_read_is_closed_to_them() throws Exception {
    store.settings().write(DEFAULT, id, secret(), Set.of("token"));
    Path key = dir.resolve("keys").resolve("secrets.json");
    Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
    reopen();
    assertThat(store.settings().read(DEFAULT, id)).isEqualTo(secret());
    assertThat(mode(key)).isEqualTo("rw-------");
  }

  private static Json secret() {
    return Json.of("{\"token\":\"" + SECRET + "\"}");
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  /** The files below the data folder that hold {@code text}, read by another process. */
  private List<Path> filesWith(String text) throws IOException, InterruptedException {
    // Reading the database here and closing it would drop the locks this process has on it.
    try (Stream<Path> all = Files.walk(dir)) {
      return all.filter(Files::isRegularFile)
          .filter(file -> !file.toString().contains("/lib/"))
          .filter(file -> holds(file, text))
          .toList();
    }
  }

  private static boolean holds(Path file, String text) {
    try {
      Process cat = new ProcessBuilder("cat", file.toString()).start();
      String content = new String(cat.getInputStream().readAllBytes(), StandardCharsets.ISO_8859_1);
      return content.contains(
          new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
