package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a host finds in its run folder after another one's death. */
final class RunFolderTest {
  private static final int POINTS = 5000;

  @TempDir Path data;

  @Test
  void places_that_a_dead_hosts_launcher_is_still_removing_are_no_trouble() throws IOException {
    try (RunFolder run = RunFolder.open(data)) {
      Path volumes = run.volumes();
      for (int i = 0; i < POINTS; i++) {
        Files.createDirectory(volumes.resolve("4711-" + i));
      }
      CompletableFuture<Void> removing =
          CompletableFuture.runAsync(() -> {
            for (int i = 0; i < POINTS; i++) {
              volumes.resolve("4711-" + i).toFile().delete();
            }
          });
      assertThat(run.volumes()).isEqualTo(volumes);
      removing.join();
      try (Stream<Path> left = Files.list(volumes)) {
        assertThat(left).isEmpty();
      }
    }
  }
}
