package dev.berth.host.store;

import static dev.berth.api.TenantId.DEFAULT;
import static dev.berth.host.store.Rows.OTHER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import java.nio.file.Path;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RegistryTest {
  @TempDir Path dir;
  private Store store;
  private Registry registry;

  @BeforeEach
  void open() {
    store = Store.open(dir);
    registry = store.registry();
  }

  @AfterEach
  void close() {
    store.close();
  }

  @Test
  void what_is_inserted_is_found_again_also_after_a_restart() {
    PluginRow dice = Rows.installed(store, DEFAULT, "dice");
    var poll =
        new PluginRow(
            registry.newId(),
            DEFAULT,
            "poll",
            "2.0.0-rc.1+x",
            Rows.DIGEST,
            "f".repeat(64),
            new PluginState.Failed("exit code 3\nthree times"),
            1,
            Rows.TIME,
            Rows.TIME.plusSeconds(5));
    registry.insert(poll);
    store.close();
    open();
    assertThat(registry.list(DEFAULT)).containsExactly(dice, poll);
    assertThat(registry.find(DEFAULT, poll.id())).contains(poll);
    assertThat(registry.findByName(DEFAULT, "dice")).contains(dice);
    assertThat(registry.digestsInUse()).containsExactly(Rows.DIGEST);
    assertThat(registry.locksInUse()).containsExactly("f".repeat(64));
  }

  @Test
  void a_tenant_sees_its_own_plugins_alone() {
    PluginRow mine = Rows.installed(store, DEFAULT, "dice");
    PluginRow theirs = Rows.installed(store, OTHER, "dice");
    assertThat(registry.list(DEFAULT)).containsExactly(mine);
    assertThat(registry.find(DEFAULT, theirs.id())).isEmpty();
    assertThat(registry.findByName(OTHER, "dice")).contains(theirs);
    assertThat(registry.delete(DEFAULT, theirs.id())).isFalse();
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(
            () -> registry.setState(DEFAULT, theirs.id(), new PluginState.Enabled(), Instant.now()))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND));
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> registry.setPackage(DEFAULT, theirs.id(), "2.0.0", "sha256-x", null))
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND));
    assertThat(registry.all()).containsExactly(mine, theirs);
  }

  @Test
  void a_name_is_taken_once_per_tenant() {
    PluginRow first = Rows.installed(store, DEFAULT, "dice");
    PluginRow second = Rows.row(store, DEFAULT, "dice");
    assertThatExceptionOfType(PluginException.class)
        .isThrownBy(() -> registry.insert(second))
        .withMessage(
            "A plugin named 'dice' is installed already. Update it, or uninstall it first.")
        .satisfies(e -> assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_EXISTS));
    assertThat(registry.all()).containsExactly(first);
  }

  @Test
  void states_and_packages_change() {
    PluginRow row = Rows.installed(store, DEFAULT, "dice");
    registry.setState(DEFAULT, row.id(), new PluginState.Failed("why"), Instant.ofEpochSecond(1));
    assertThat(registry.find(DEFAULT, row.id()).orElseThrow().updatedAt())
        .isEqualTo(Instant.ofEpochSecond(1));
    assertThat(registry.find(DEFAULT, row.id()).orElseThrow().state())
        .isEqualTo(new PluginState.Failed("why"));
    registry.setState(DEFAULT, row.id(), new PluginState.Enabled(), Instant.now());
    registry.setPackage(DEFAULT, row.id(), "1.1.0", "sha256-b", "e".repeat(64));
    PluginRow now = registry.find(DEFAULT, row.id()).orElseThrow();
    assertThat(now.state()).isEqualTo(new PluginState.Enabled());
    assertThat(now.version()).isEqualTo("1.1.0");
    assertThat(now.packageDigest()).isEqualTo("sha256-b");
    assertThat(now.siteLock()).isEqualTo("e".repeat(64));
    assertThat(now.updatedAt()).isAfter(row.updatedAt());
    assertThat(now.installedAt()).isEqualTo(row.installedAt());
    assertThat(registry.delete(DEFAULT, row.id())).isTrue();
    assertThat(registry.delete(DEFAULT, row.id())).isFalse();
  }

  @Test
  void slots_are_the_least_free_and_not_those_of_unfinished_operations() {
    PluginRow zero = Rows.installed(store, DEFAULT, "zero");
    Rows.installed(store, DEFAULT, "one");
    assertThat(registry.nextSlot()).isEqualTo(2);
    JournalEntry uninstall =
        store.journal().begin("uninstall", DEFAULT, zero.id(), 0, Json.EMPTY_OBJECT);
    registry.delete(DEFAULT, zero.id());
    assertThat(registry.nextSlot()).isEqualTo(2);
    store.journal().finish(uninstall);
    assertThat(registry.nextSlot()).isZero();
  }

  @Test
  void installs_at_once_get_slots_of_their_own() throws Exception {
    Callable<Integer> install =
        () ->
            store.transaction(() -> {
              int slot = registry.nextSlot();
              store.journal().begin("install", DEFAULT, registry.newId(), slot, Json.EMPTY_OBJECT);
              return slot;
            });
    var slots = new HashSet<Integer>();
    try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
      for (var future :
          executor.invokeAll(IntStream.range(0, 50).mapToObj(_ -> install).toList())) {
        slots.add(future.get());
      }
    }
    assertThat(slots).hasSize(50).contains(0, 49);
  }

  @Test
  void new_ids_are_fit_for_paths_and_differ() {
    var ids = new HashSet<PluginId>();
    for (int i = 0; i < 1000; i++) {
      ids.add(registry.newId());
    }
    assertThat(ids).hasSize(1000).allMatch(id -> id.value().matches("plugin_[0-9a-v]{10}"));
  }

  @Test
  void a_transaction_happens_whole_or_not_at_all() {
    PluginRow row = Rows.row(store, DEFAULT, "dice");
    JournalEntry entry =
        store.journal().begin("install", DEFAULT, row.id(), row.slot(), Json.EMPTY_OBJECT);
    assertThatExceptionOfType(IllegalStateException.class)
        .isThrownBy(() ->
            store.transaction(() -> {
              registry.insert(row);
              store.settings().write(DEFAULT, row.id(), Json.of("{\"a\":1}"), Set.of());
              store.journal().finish(entry);
              assertThat(registry.find(DEFAULT, row.id())).isPresent();
              throw new IllegalStateException("on purpose");
            }))
        .withMessage("on purpose");
    assertThat(registry.all()).isEmpty();
    assertThat(store.journal().open()).containsExactly(entry);
    store.transaction(() -> {
      registry.insert(row);
      store.journal().finish(entry);
    });
    assertThat(registry.all()).containsExactly(row);
    assertThat(store.journal().open()).isEmpty();
  }
}
