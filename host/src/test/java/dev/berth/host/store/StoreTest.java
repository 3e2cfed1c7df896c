package dev.berth.host.store;

import static dev.berth.api.TenantId.DEFAULT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opening a store, and what happens when the database or the disk does not play along. */
class StoreTest {
  private static final Duration SHORT = Duration.ofMillis(300);

  @TempDir Path dir;

  private static PluginException refused(Path dataDir) {
    try (Store store = Store.open(dataDir)) {
      throw new AssertionError("opened, with " + store.registry().all());
    } catch (PluginException e) {
      return e;
    }
  }

  @Test
  void a_folder_has_one_host_within_a_process() {
    try (Store first = Store.open(dir)) {
      PluginException e = refused(dir);
      assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(e)
          .hasMessageContaining("process " + ProcessHandle.current().pid())
          .hasMessageContaining(dir.toString());
      assertThat(first.registry().all()).isEmpty();
    }
    Store.open(dir).close();
  }

  @Test
  void a_folder_has_one_host_among_processes_and_a_killed_one_leaves_it_free() throws Exception {
    try (Store store = Store.open(dir)) {
      Rows.installed(store, DEFAULT, "dice");
    }
    Process other =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                HoldStore.class.getName(),
                dir.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (var out =
        new BufferedReader(new InputStreamReader(other.getInputStream(), StandardCharsets.UTF_8))) {
      String line;
      do {
        line = out.readLine();
        assertThat(line).isNotNull();
      } while (!line.startsWith("open "));
      assertThat(line).isEqualTo("open 1");
      PluginException e = refused(dir);
      assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE);
      assertThat(e)
          .hasMessage(
              "Another Berth host (process "
                  + other.pid()
                  + ") has the data folder "
                  + dir.toRealPath()
                  + " open. Stop it, or choose another folder with --data.");
    } finally {
      other.destroyForcibly().waitFor();
    }
    try (Store store = Store.open(dir)) {
      assertThat(store.registry().list(DEFAULT)).hasSize(1);
    }
    // Its unpacked copy of the native library went with the next start.
    try (var files = Files.list(dir.resolve("lib"))) {
      assertThat(files.filter(f -> f.toString().endsWith(".so")).count()).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void paths_may_have_any_character() throws Exception {
    Path odd = dir.resolve("a b?mode=memory&x=1#y%20;\u00e4'\"");
    try (Store store = Store.open(odd)) {
      Rows.installed(store, DEFAULT, "dice");
    }
    try (Store store = Store.open(odd)) {
      assertThat(store.registry().list(DEFAULT)).hasSize(1);
    }
    assertThat(odd.resolve("berth.db")).isRegularFile();
    try (var files = Files.list(dir)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void cra_06_a_locked_database_is_said_within_the_deadline() throws Exception {
    try (Store store = Store.open(dir, JournalObserver.NONE, SHORT)) {
      PluginRow row = Rows.installed(store, DEFAULT, "dice");
      try (Connection other = raw(dir).getConnection();
          Statement statement = other.createStatement()) {
        statement.execute("BEGIN EXCLUSIVE");
        assertThatExceptionOfType(PluginException.class)
            .isThrownBy(() ->
                store.journal().begin("install", DEFAULT, row.id(), row.slot(), Json.EMPTY_OBJECT))
            .withMessageContaining("is locked by another program")
            .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
        // Readers go on.
        assertThat(store.registry().list(DEFAULT)).containsExactly(row);
        statement.execute("ROLLBACK");
      }
      store.journal().begin("install", DEFAULT, row.id(), row.slot(), Json.EMPTY_OBJECT);
    }
  }

  @Test
  void cra_06_a_writer_that_hangs_is_not_waited_for_longer_than_the_deadline() throws Exception {
    try (Store store = Store.open(dir, JournalObserver.NONE, SHORT)) {
      var held = new java.util.concurrent.CountDownLatch(1);
      var done = new java.util.concurrent.CountDownLatch(1);
      Thread holder =
          Thread.ofVirtual()
              .start(() ->
                  store.transaction(() -> {
                    held.countDown();
                    try {
                      done.await();
                    } catch (InterruptedException e) {
                      throw new IllegalStateException(e);
                    }
                  }));
      held.await();
      assertThatExceptionOfType(PluginException.class)
          .isThrownBy(() -> Rows.installed(store, DEFAULT, "dice"))
          .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.STORE_UNAVAILABLE));
      done.countDown();
      holder.join();
      Rows.installed(store, DEFAULT, "dice");
    }
  }

  @Test
  void cra_06_a_damaged_page_is_refused_whichever_it_is_and_the_file_kept() throws Exception {
    try (Store store = Store.open(dir)) {
      for (int i = 0; i < 40; i++) {
        PluginRow row = Rows.installed(store, DEFAULT, "plugin-" + i);
        store
            .settings()
            .write(DEFAULT, row.id(), Json.of("{\"a\":\"" + "x".repeat(300) + "\"}"), Set.of());
      }
    }
    Path file = dir.resolve("berth.db");
    byte[] good = Files.readAllBytes(file);
    int pages = good.length / 4096;
    assertThat(pages).isGreaterThan(10);
    var random = new Random(7);
    for (int page = 0; page < pages; page++) {
      byte[] garbage = new byte[4096];
      random.nextBytes(garbage);
      byte[] bad = good.clone();
      System.arraycopy(garbage, 0, bad, page * 4096, 4096);
      Files.write(file, bad);
      PluginException e = refused(dir);
      assertThat(e.code())
          .as("page %d: %s", page, e.getMessage())
          .isEqualTo(ErrorCode.STORE_CORRUPT);
      assertThat(e).hasMessageContaining("Nothing was changed").hasMessageContaining("backup");
      assertThat(Arrays.equals(Files.readAllBytes(file), bad)).as("page %d", page).isTrue();
    }
    Files.write(file, good);
    try (Store store = Store.open(dir)) {
      assertThat(store.registry().all()).hasSize(40);
    }
  }

  @Test
  void cra_06_a_truncated_an_empty_and_a_missing_database_are_no_new_ones() throws Exception {
    try (Store store = Store.open(dir)) {
      Rows.installed(store, DEFAULT, "dice");
      store.manifest().write();
    }
    Path file = dir.resolve("berth.db");
    for (long length : new long[] {100, 4096, 4096 * 3 + 17, 0}) {
      try (var access = new RandomAccessFile(file.toFile(), "rw")) {
        access.setLength(length);
      }
      assertThat(refused(dir).code()).as("%d bytes", length).isEqualTo(ErrorCode.STORE_CORRUPT);
      assertThat(Files.size(file)).isEqualTo(length);
      restore(file);
    }
    Files.delete(file);
    PluginException e = refused(dir);
    assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT);
    assertThat(e).hasMessageContaining("is missing or empty");
    assertThat(file).doesNotExist();
  }

  /** A good database again, from a folder of its own. */
  private void restore(Path file) throws IOException {
    Path other = Files.createTempDirectory(dir, "good");
    try (Store store = Store.open(other)) {
      Rows.installed(store, DEFAULT, "dice");
    }
    Files.write(file, Files.readAllBytes(other.resolve("berth.db")));
  }

  @Test
  void cra_06_a_newer_schema_is_refused() throws Exception {
    Store.open(dir).close();
    execute(
        dir,
        "INSERT INTO flyway_schema_history SELECT installed_rank + 1, '7', 'later', type, 'V7.sql',"
            + " checksum, installed_by, installed_on, execution_time, success FROM"
            + " flyway_schema_history ORDER BY installed_rank DESC LIMIT 1");
    byte[] before = Files.readAllBytes(dir.resolve("berth.db"));
    PluginException e = refused(dir);
    assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT);
    assertThat(e).hasMessageContaining("made by a newer Berth (schema 7, this one knows up to 1)");
    assertThat(Files.readAllBytes(dir.resolve("berth.db"))).isEqualTo(before);
  }

  @Test
  void cra_06_a_database_of_another_program_is_refused() throws Exception {
    execute(dir, "CREATE TABLE notes (text TEXT)");
    PluginException e = refused(dir);
    assertThat(e.code()).isEqualTo(ErrorCode.STORE_CORRUPT);
    assertThat(e).hasMessageContaining("a database of another program");
    Files.write(
        dir.resolve("berth.db"),
        "not a database at all".repeat(500).getBytes(StandardCharsets.UTF_8));
    assertThat(refused(dir).code()).isEqualTo(ErrorCode.STORE_CORRUPT);
  }

  @Test
  void cra_05_a_full_disk_is_said_and_changes_nothing() throws Exception {
    Path small = Files.createDirectory(dir.resolve("small"));
    assumeTrue(
        run("mount", "-t", "tmpfs", "-o", "size=3m", "berth-test", small.toString()) == 0,
        "a small file system can be mounted by root only");
    try {
      try (Store store = Store.open(small.resolve("data"))) {
        PluginRow row = Rows.installed(store, DEFAULT, "dice");
        Path filler = small.resolve("filler");
        assertThat(run("sh", "-c", "cat /dev/zero > '" + filler + "' 2>/dev/null")).isNotZero();
        Json large = Json.of("{\"a\":\"" + "x".repeat(200_000) + "\"}");
        assertThatExceptionOfType(PluginException.class)
            .isThrownBy(() -> store.settings().write(DEFAULT, row.id(), large, Set.of()))
            .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.DISK_FULL));
        assertThatExceptionOfType(PluginException.class)
            .isThrownBy(() -> store.manifest().write())
            .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.DISK_FULL));
        assertThat(store.registry().list(DEFAULT)).containsExactly(row);
        assertThat(store.settings().read(DEFAULT, row.id())).isEqualTo(Json.EMPTY_OBJECT);
        Files.delete(filler);
        store.settings().write(DEFAULT, row.id(), large, Set.of());
        assertThat(store.settings().read(DEFAULT, row.id())).isEqualTo(large);
      }
    } finally {
      assertThat(run("umount", small.toString())).isZero();
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }

  private static org.sqlite.SQLiteDataSource raw(Path dataDir) {
    return Database.source(dataDir.resolve("berth.db"), SHORT, false);
  }

  private static void execute(Path dataDir, String sql) throws SQLException {
    try (Connection connection = raw(dataDir).getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
