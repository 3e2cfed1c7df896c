package dev.berth.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class Sha256Test {
  // FIPS 180-4's example of one block.
  private static final String ABC =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

  @Test
  void text_and_file_have_the_digest_of_the_standard(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("abc"), "abc");

    assertThat(Sha256.hex("abc")).isEqualTo(ABC);
    assertThat(HexFormat.of().formatHex(Sha256.of("abc"))).isEqualTo(ABC);
    assertThat(HexFormat.of().formatHex(Sha256.of(file))).isEqualTo(ABC);
  }
}
