package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

/** Lines as engines send them. */
final class PullProgressTest {
  private static final JsonMapper json = JsonMapper.builder().build();

  private final List<String> told = new ArrayList<>();
  private long now = -PullProgress.EVERY_NANOS; // any number may be the clock's
  private final PullProgress progress = new PullProgress("x:1", () -> now, told::add);

  private void heard(String id, String status, long current, long total) {
    String detail = total == 0 ? "{}" : "{\"current\":" + current + ",\"total\":" + total + "}";
    progress.heard(
        json.readTree(
            "{\"status\":\"%s\",\"progressDetail\":%s,\"id\":\"%s\"}"
                .formatted(status, detail, id)));
  }

  @Test
  void layers_and_bytes_are_told_now_and_then() {
    heard("1", "Pulling from library/x", 0, 0);
    assertThat(told).as("not of a layer").isEmpty();
    heard("aa", "Pulling fs layer", 0, 0);
    heard("bb", "Already exists", 0, 0);
    heard("cc", "Pulling fs layer", 0, 0);
    for (int i = 1; i <= 5000; i++) {
      heard("aa", "Downloading", i * 20_000L, 100_000_000);
    }
    assertThat(told).containsExactly("pulling x:1: 0 of 1 layers");
    now += PullProgress.EVERY_NANOS;
    heard("cc", "Downloading", 500_000, 20_000_000);
    heard("aa", "Download complete", 0, 0);
    now += PullProgress.EVERY_NANOS;
    heard("aa", "Extracting", 5, 100_000_000);
    now += PullProgress.EVERY_NANOS;
    heard("cc", "Download complete", 0, 0);
    heard("aa", "Pull complete", 0, 0);
    heard("cc", "Pull complete", 0, 0);
    now += PullProgress.EVERY_NANOS;
    heard("cc", "Pull complete", 0, 0);
    now += PullProgress.EVERY_NANOS;
    heard("cc", "Pull complete", 0, 0);
    assertThat(told)
        .containsExactly(
            "pulling x:1: 0 of 1 layers",
            "pulling x:1: 1 of 3 layers, 101 of 120 MB",
            "pulling x:1: 1 of 3 layers, 120 of 120 MB",
            "pulling x:1: 3 of 3 layers, 120 of 120 MB");
  }

  @Test
  void an_engine_that_names_layers_without_end_is_not_kept_track_of() {
    for (int i = 0; i < 5000; i++) {
      heard("layer" + i, "Pulling fs layer", 0, 0);
      now += PullProgress.EVERY_NANOS;
    }
    assertThat(told).hasSize(1000).last().isEqualTo("pulling x:1: 0 of 1000 layers");
  }
}
