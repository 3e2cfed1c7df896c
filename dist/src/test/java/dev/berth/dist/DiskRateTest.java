package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.cli.Hosting;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A plugin that never stops writing is bounded in how fast it may, and only while it does. */
@Timeout(120)
@RootOnly("only root can mount file systems of a given size")
final class DiskRateTest extends OneHost {
  private static final int MB = 1 << 20;

  /** What all that write without end get together. */
  private static final int TOGETHER_MB = 64;

  private static final Path THROTTLE =
      Path.of("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device");

  private static final String REFILLS =
      """
      import os
      import time

      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              \"""Bytes a second that reached the disk.\"""
              piece = b"x" * (1 << 20)
              begun, done = time.monotonic(), 0
              while time.monotonic() < begun + context["seconds"]:
                  with open("/data/full", "wb", 0) as f:
                      for _ in range(8):
                          f.write(piece)
                      os.fsync(f.fileno())
                      done += 8 << 20
              return {"rate": done / (time.monotonic() - begun)}
      """;

  @Override
  Hosting hosting() {
    return Hostings.data(kind.hosting(), 32);
  }

  private double writes(String id, int seconds) {
    return ask(id, "{\"seconds\":" + seconds + "}").path("rate").asDouble();
  }

  /** The number of the block device that holds a plugin's file system, as the kernel writes it. */
  private static String device(String id) throws IOException {
    try (Stream<Path> all = Files.list(Path.of("/sys/block"))) {
      for (Path block : all.toList()) {
        Path file = block.resolve("loop/backing_file");
        if (Files.exists(file) && Files.readString(file).contains(id)) {
          return Files.readString(block.resolve("dev")).trim();
        }
      }
    }
    throw new AssertionError("no device holds the file system of " + id);
  }

  @Test
  @DisplayName("RUN-06 RUN-13 writing anew without end")
  void rate() throws IOException {
    boolean bounded =
        berth()
            .get("/api/isolation")
            .json()
            .path("enforced")
            .valueStream()
            .anyMatch(p -> p.asString().equals("data_rate_limit"));
    assumeTrue(bounded, "nothing here bounds how fast a disk is written");
    String id = running(Pack.plugin(folder, "refills", "1.0.0", "", REFILLS));
    writes(id, 3); // until it is seen
    if (Files.exists(THROTTLE)) {
      assertThat(Files.readString(THROTTLE)).contains(device(id) + " " + TOGETHER_MB * MB);
    }
    assertThat(writes(id, 3)).isLessThan(1.3 * TOGETHER_MB * MB);
    String device = device(id);
    assertThat(berth().post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    if (Files.exists(THROTTLE)) {
      Eventually.is(
          "the limit is lifted",
          () -> {
            try {
              return !Files.readString(THROTTLE).contains(device + " ");
            } catch (IOException e) {
              throw new IllegalStateException(e);
            }
          });
    }
    // Who comes back soon is what it was.
    assertThat(berth().post("/api/plugins/" + id + "/enable").status()).isEqualTo(200);
    assertThat(writes(id, 1)).isLessThan(1.6 * TOGETHER_MB * MB);
  }
}
