package dev.berth.host.store;

import static dev.berth.api.TenantId.DEFAULT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.berth.api.Json;
import dev.berth.api.PluginId;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JournalTest {
  private static final PluginId ID = new PluginId("plugin_a");
  private static final Json INTENT = Json.of("{\"digest\":\"sha256-\u00e4\",\"n\":1.50}");

  @TempDir Path dir;

  @Test
  void unfinished_operations_are_there_after_a_restart_oldest_first() {
    JournalEntry first;
    JournalEntry second;
    try (Store store = Store.open(dir)) {
      Journal journal = store.journal();
      first = journal.begin("install", DEFAULT, ID, 3, INTENT);
      second = journal.begin("update", Rows.OTHER, new PluginId("plugin_b"), 4, Json.EMPTY_OBJECT);
      JournalEntry third = journal.begin("uninstall", DEFAULT, new PluginId("plugin_c"), 5, INTENT);
      first = journal.step(first, "unpacked");
      journal.finish(third);
    }
    try (Store store = Store.open(dir)) {
      assertThat(store.journal().open()).containsExactly(first, second);
      assertThat(first.step()).isEqualTo("unpacked");
      assertThat(second.step()).isEqualTo("begin");
      store.journal().finish(first);
      store.journal().finish(first);
      assertThat(store.journal().open()).containsExactly(second);
    }
  }

  @Test
  void an_ended_operation_takes_no_more_steps() {
    try (Store store = Store.open(dir)) {
      JournalEntry entry = store.journal().begin("install", DEFAULT, ID, 0, INTENT);
      store.journal().finish(entry);
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(() -> store.journal().step(entry, "late"));
    }
  }

  @Test
  void the_observer_sees_each_point_when_it_is_on_disk() {
    var points = new ArrayList<String>();
    var seen = new ArrayList<Integer>();
    Store[] holder = new Store[1];
    JournalObserver observer =
        (kind, point) -> {
          points.add(kind + ":" + point);
          if (!point.equals("finish")) {
            // By another connection than the one that wrote.
            seen.add(holder[0].journal().open().size());
          }
        };
    try (Store store = Store.open(dir, observer)) {
      holder[0] = store;
      JournalEntry entry = store.journal().begin("install", DEFAULT, ID, 0, INTENT);
      JournalEntry further = store.journal().step(entry, "registered");
      store.transaction(() -> {
        store.journal().finish(further);
        points.add("still inside");
      });
    }
    assertThat(points)
        .containsExactly(
            "install:begin",
            "install:registered",
            "install:finish",
            "still inside",
            "install:finished");
    assertThat(seen).containsExactly(1, 1, 0);
  }
}
