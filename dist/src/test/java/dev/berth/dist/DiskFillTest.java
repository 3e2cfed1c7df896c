package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import java.time.Duration;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/**
 * A plugin that fills what it may write to meets the end of its own, and is uninstalled as fast as
 * any, whatever it left.
 */
@Timeout(180)
@RootOnly("only root can mount file systems of a given size")
final class DiskFillTest extends OneHost {
  private static final int MB = 1 << 20;
  private static final int DATA_MB = 16;
  private static final int TMP_MB = 64;
  private static final String FILLER = "main: main.py\nclass: Filler\n";
  private static final Duration SOON = Duration.ofSeconds(5);

  @Override
  Hosting hosting() {
    return Hostings.data(kind.hosting(), DATA_MB);
  }

  private String other() {
    return running(Pack.variant(Fixtures.plugin("filler"), folder, "other", FILLER));
  }

  private JsonNode fills(String id, String what, String at) {
    return ask(id, "{\"do\":\"" + what + "\",\"at\":\"" + at + "\"}");
  }

  /** Another plugin can write, and the host can keep what it is told, as if nothing were. */
  private void othersHaveRoom(String id) {
    assertThat(fills(id, "keep", "/data").path("lines").asInt()).isPositive();
    assertThat(berth().post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(berth().post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
  }

  private void isSoonUninstalled(String id) {
    long begun = System.nanoTime();
    assertThat(berth().delete("/api/plugins/" + id).status()).isEqualTo(200);
    assertThat(Duration.ofNanos(System.nanoTime() - begun)).isLessThan(SOON);
    left().nothingOf(berth(), id);
  }

  @Test
  @DisplayName("RUN-06 writing until the disk is full")
  void bytes() {
    String id = running("filler");
    String other = other();
    JsonNode data = fills(id, "fill", "/data");
    assertThat(data.path("error").asString()).isEqualTo("ENOSPC");
    assertThat(data.path("bytes").asLong()).isBetween(10L * MB, (long) DATA_MB * MB);
    JsonNode tmp = fills(id, "fill", "/tmp");
    assertThat(tmp.path("error").asString()).isEqualTo("ENOSPC");
    assertThat(tmp.path("bytes").asLong()).isBetween((TMP_MB - 1L) * MB, (long) TMP_MB * MB);
    assertThat(berth().get("/api/plugins/" + id + "/stats").json().path("disk_usage_mb").asDouble())
        .isBetween(10.0, (double) DATA_MB);
    othersHaveRoom(other);
    isSoonUninstalled(id);
  }

  @Test
  @DisplayName("RUN-06 a million empty files")
  void files() {
    String id = running("filler");
    String other = other();
    for (String at : new String[] {"/data", "/tmp"}) {
      JsonNode many = fills(id, "files", at);
      assertThat(many.path("error").asString()).as(at).isEqualTo("ENOSPC");
      assertThat(many.path("files").asInt()).as(at).isBetween(500, 100_000);
    }
    othersHaveRoom(other);
    isSoonUninstalled(id);
  }

  @Test
  @DisplayName("RUN-06 a file of a petabyte that holds nothing")
  void sparse() {
    String id = running("filler");
    for (String at : new String[] {"/data", "/tmp"}) {
      assertThat(fills(id, "sparse", at).path("error").asString()).as(at).isEqualTo("EFBIG");
    }
    isSoonUninstalled(id);
  }

  @Test
  @DisplayName("RUN-06 folders in folders without end")
  void folders() {
    String id = running("filler");
    String other = other();
    JsonNode deep = fills(id, "deep", "/data");
    assertThat(deep.path("error").asString()).as(deep.toString()).isEqualTo("ENOSPC");
    assertThat(deep.path("folders").asInt()).isBetween(500, 100_000);
    othersHaveRoom(other);
    isSoonUninstalled(id);
  }
}
