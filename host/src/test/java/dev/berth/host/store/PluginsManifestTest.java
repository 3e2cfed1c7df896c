package dev.berth.host.store;

import static dev.berth.api.TenantId.DEFAULT;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.PluginState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.concurrent.Executors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PluginsManifestTest {
  @TempDir Path dir;

  @Test
  void it_shows_the_registry() {
    try (Store store = Store.open(dir)) {
      PluginRow row = Rows.installed(store, DEFAULT, "dice");
      store
          .registry()
          .setState(DEFAULT, row.id(), new PluginState.Failed("out of memory"), Instant.now());
      store.manifest().write();
      JsonNode plugins = read().get("plugins");
      assertThat(plugins.size()).isEqualTo(1);
      JsonNode shown = plugins.get(0);
      assertThat(shown.get("id").stringValue()).isEqualTo(row.id().value());
      assertThat(shown.get("tenant").stringValue()).isEqualTo("default");
      assertThat(shown.get("name").stringValue()).isEqualTo("dice");
      assertThat(shown.get("version").stringValue()).isEqualTo("1.0.0");
      assertThat(shown.get("status").stringValue()).isEqualTo("failed");
      assertThat(shown.get("reason").stringValue()).isEqualTo("out of memory");
      assertThat(shown.get("package").stringValue()).isEqualTo(Rows.DIGEST);
      assertThat(shown.get("installed_at").stringValue()).isEqualTo("2026-01-01T00:00:00.123Z");
      store.registry().delete(DEFAULT, row.id());
      store.manifest().write();
      assertThat(read().get("plugins").isEmpty()).isTrue();
    }
  }

  @Test
  void written_at_once_by_many_it_shows_the_last_state_and_nothing_else_is_left() throws Exception {
    try (Store store = Store.open(dir)) {
      try (var executor = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 20; i++) {
          String name = "p" + i;
          executor.execute(() -> {
            store.transaction(() -> Rows.installed(store, DEFAULT, name));
            store.manifest().write();
          });
        }
      }
      assertThat(read().get("plugins").size()).isEqualTo(20);
      assertThat(dir.resolve("plugins").toFile().list()).containsExactly("manifest.json");
    }
  }

  private JsonNode read() {
    Path file = dir.resolve("plugins").resolve("manifest.json");
    assertThat(Files.isRegularFile(file)).isTrue();
    return JsonMapper.shared().readTree(file.toFile());
  }
}
