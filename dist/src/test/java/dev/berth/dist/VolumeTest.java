package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** A plugin's /data has a size, whatever it does. */
@Timeout(180)
@RootOnly("only root can mount file systems of a given size")
final class VolumeTest {
  private static final int MB = 1 << 20;
  private static final String KEEP = "{\"do\":\"keep\",\"at\":\"/data\"}";

  @TempDir Path folder;

  private static JsonNode ask(RunningBerth berth, String id, String what) {
    Answer answer = berth.execute(id, "{\"do\":\"" + what + "\",\"at\":\"/data\"}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  @ParameterizedTest
  @EnumSource(
      value = Kinds.class,
      names = {"PROCESS", "DOCKER"})
  void files_stay_over_restarts_and_the_folder_grows_with_the_setting(Kinds kind) {
    Path data = folder.resolve("data");
    String id;
    try (var berth = new RunningBerth(data, Hostings.data(kind.hosting(), 16))) {
      id = berth.running(Pack.tar(Fixtures.plugin("filler"), folder));
      assertThat(ask(berth, id, "keep").path("lines").asInt()).isEqualTo(1);
      assertThat(ask(berth, id, "fill").path("bytes").asLong()).isLessThan(16L * MB);
      assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    }
    try (var berth = new RunningBerth(data, Hostings.data(kind.hosting(), 64))) {
      JsonNode stopped = berth.get("/api/plugins/" + id + "/stats").json();
      assertThat(stopped.path("status").asString()).isEqualTo("stopped");
      assertThat(stopped.path("disk_usage_mb").asDouble()).isBetween(10.0, 16.0);
      assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      // Appended to what is there.
      JsonNode more = ask(berth, id, "keep");
      assertThat(more.path("names").toString()).isEqualTo("[\"full\",\"kept\"]");
      assertThat(more.path("lines").asInt()).isEqualTo(2);
      assertThat(ask(berth, id, "fill").path("bytes").asLong()).isBetween(40L * MB, 64L * MB);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Kinds.class,
      names = {"PROCESS", "DOCKER"})
  void a_damaged_image_is_said_and_left_as_it_is(Kinds kind) throws IOException {
    Path data = folder.resolve("data");
    String id;
    try (var berth = new RunningBerth(data, Hostings.data(kind.hosting(), 16))) {
      id = berth.running(Pack.tar(Fixtures.plugin("filler"), folder));
      assertThat(ask(berth, id, "keep").path("lines").asInt()).isEqualTo(1);
    }
    Path image = data.resolve("volumes").resolve(id).resolve("data.img");
    byte[] good = new byte[64 << 10];
    try (var file = new RandomAccessFile(image.toFile(), "rw")) {
      file.readFully(good);
      file.seek(0);
      file.write(new byte[good.length]);
    }
    try (var berth = new RunningBerth(data, Hostings.data(kind.hosting(), 16))) {
      Answer enable = berth.post("/api/plugins/" + id + "/enable");
      assertThat(enable.status()).as(enable.body()).isGreaterThanOrEqualTo(500);
      assertThat(enable.detail()).contains(image.toString()).contains("e2fsck");
      while (!berth.get("/api/plugins/" + id + "/health").body().contains("e2fsck")) {
        Thread.onSpinWait(); // it is tried again, and then its state says why it doesn't come
      }
      try (var file = new RandomAccessFile(image.toFile(), "rw")) {
        file.write(good);
      }
      assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      assertThat(ask(berth, id, "keep").path("lines").asInt()).isEqualTo(2);
    }
  }

  @Test
  void what_was_written_through_is_there_after_the_host_was_killed() throws Exception {
    Path data = folder.resolve("data");
    String id;
    try (var berth = new ServeProcess(data, Map.of(), "--sandbox", "process")) {
      id =
          berth
              .upload("/api/plugins/install", Pack.tar(Fixtures.plugin("filler"), folder))
              .json()
              .path("plugin_id")
              .asString();
      assertThat(berth.post("/api/plugins/" + id + "/enable", "").status()).isEqualTo(200);
      for (int i = 0; i < 20; i++) {
        assertThat(berth.execute(id, KEEP).status()).isEqualTo(200);
      }
      berth.killHard();
    }
    try (var berth = new RunningBerth(data, Kinds.PROCESS.hosting())) {
      JsonNode kept = ask(berth, id, "keep");
      assertThat(kept.path("lines").asInt()).isEqualTo(21);
    }
  }

  @Test
  void a_folder_of_an_earlier_version_is_taken_over_with_its_files() throws IOException {
    Path data = folder.resolve("data");
    String id;
    try (var berth = new RunningBerth(data, Kinds.PROCESS.hosting())) {
      id = berth.install(Pack.tar(Fixtures.plugin("filler"), folder));
      Path volume = Files.createDirectories(data.resolve("volumes/" + id));
      Files.writeString(volume.resolve("kept"), "line\nline\n");
      Files.writeString(volume.resolve("data.img"), "a plugin's own file of that name");
      for (Path path : List.of(volume, volume.resolve("kept"), volume.resolve("data.img"))) {
        Files.setAttribute(path, "unix:uid", 200_000);
        Files.setAttribute(path, "unix:gid", 200_000);
      }
      assertThat(berth.post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
      JsonNode kept = ask(berth, id, "keep");
      assertThat(kept.path("lines").asInt()).isEqualTo(3);
      assertThat(kept.path("names").toString()).isEqualTo("[\"data.img\",\"kept\"]");
      try (var left = Files.list(data.resolve("volumes"))) {
        assertThat(left).containsExactly(volume);
      }
    }
  }

  @Test
  void deep_folders_are_taken_over_too() throws Exception {
    Path data = folder.resolve("data");
    try (var berth = new RunningBerth(data, Kinds.PROCESS.hosting())) {
      String id = berth.install(Pack.tar(Fixtures.plugin("filler"), folder));
      Path volume = Files.createDirectories(data.resolve("volumes/" + id));
      String script =
          "import os, sys\nos.chdir(sys.argv[1])\n"
              + "for _ in range(500): os.mkdir('d'); os.chown('d', 200000, 200000); os.chdir('d')\n";
      int made =
          new ProcessBuilder("python3", "-c", script, volume.toString())
              .inheritIO()
              .start()
              .waitFor();
      assertThat(made).isZero();
      Files.setAttribute(volume, "unix:uid", 200_000);
      Answer enabled = berth.post("/api/plugins/" + id + "/enable");
      assertThat(enabled.status()).as(enabled.body()).isEqualTo(200);
      assertThat(ask(berth, id, "keep").path("names").toString()).isEqualTo("[\"d\",\"kept\"]");
      try (var left = Files.list(data.resolve("volumes"))) {
        assertThat(left).containsExactly(volume);
      }
    }
  }

  @Test
  void more_than_the_size_is_not_taken_over_and_nothing_is_lost() throws IOException {
    Path data = folder.resolve("data");
    try (var berth = new RunningBerth(data, Hostings.data(Kinds.PROCESS.hosting(), 16))) {
      String id = berth.install(Pack.tar(Fixtures.plugin("filler"), folder));
      Path volume = Files.createDirectories(data.resolve("volumes/" + id));
      Files.write(volume.resolve("large"), new byte[20 * MB]);
      Files.setAttribute(volume, "unix:uid", 200_000);
      Answer enabled = berth.post("/api/plugins/" + id + "/enable");
      assertThat(enabled.code()).isEqualTo("disk_full");
      assertThat(enabled.detail()).contains("--data-size");
      assertThat(volume.resolve("large")).hasSize(20 * MB);
      assertThat(data.resolve("volumes/" + id + ".new")).doesNotExist();
    }
  }
}
