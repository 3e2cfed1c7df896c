package dev.berth.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class DiskFullTest {
  @Test
  void a_device_without_room_is_told_from_other_trouble() {
    // full(4): every write to it fails with ENOSPC.
    IOException full =
        catchThrowableOfType(
            IOException.class, () -> Files.writeString(Path.of("/dev/full"), "text"));

    assertThat(DiskFull.is(full)).isTrue();
    assertThat(DiskFull.is(new NoSuchFileException("/nowhere"))).isFalse();
    assertThat(DiskFull.is(new IOException())).isFalse();
  }

  @Test
  void so_is_a_spent_quota() {
    assertThat(DiskFull.is(new IOException("/srv/a: Disk quota exceeded"))).isTrue();
  }
}
