package dev.berth.host.install;

import static dev.berth.host.install.StoreFixture.MANIFEST;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Sound archives with a few bytes changed, the same every time. Whatever comes of it, it is a
 * package that holds what its digest says, or a refusal without a trace.
 */
class ArchiveFuzzTest {
  /** {@code -Dberth.fuzz.rounds=100000} for a long night. */
  private static final int ROUNDS = Integer.getInteger("berth.fuzz.rounds", 300);

  @TempDir Path dir;
  private StoreFixture fixture;
  private Map<String, String> sentinel;
  private int taken;

  @BeforeEach
  void open() throws IOException {
    fixture = new StoreFixture(dir);
    sentinel = StoreFixture.snapshot(fixture.sentinel);
  }

  private static byte[] tar() {
    return new TarBytes()
        .pax('g', "comment=0123")
        .folder("dice/")
        .pax('x', "mtime=1750000000.5", "path=dice/plugin.yaml")
        .file("dice/plugin.yaml", MANIFEST)
        .file("dice/main.py", "class Dice: pass\n")
        .longName("dice/" + "n".repeat(120))
        .file("dice/n", "x".repeat(700))
        .tar();
  }

  private static byte[] zip() {
    ZipBytes zip = new ZipBytes().file("dice/plugin.yaml", MANIFEST).file("dice/main.py", "x");
    ZipBytes.Entry streamed =
        zip.add("dice/data", "x".repeat(700).getBytes(java.nio.charset.StandardCharsets.UTF_8));
    streamed.flags |= 8;
    streamed.after =
        ZipBytes.buffer(16)
            .putInt(0x08074b50)
            .putInt((int) streamed.crc)
            .putInt((int) streamed.centralPacked)
            .putInt((int) streamed.centralSize)
            .array();
    streamed.localExtra = new byte[] {'U', 'T', 1, 0, 0};
    return zip.zip();
  }

  private static byte[] mutate(byte[] sound, Random random) {
    byte[] bytes = sound.clone();
    for (int n = 1 + random.nextInt(4); n > 0; n--) {
      int at = random.nextInt(bytes.length);
      switch (random.nextInt(5)) {
        case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
        case 1 -> bytes[at] = (byte) random.nextInt(256);
        case 2 -> bytes[at] = (byte) (random.nextBoolean() ? 0 : 0xff);
        case 3 -> {
          int from = random.nextInt(bytes.length);
          int length = Math.min(random.nextInt(600), bytes.length - Math.max(at, from));
          System.arraycopy(bytes, from, bytes, at, length);
        }
        default -> bytes = java.util.Arrays.copyOf(bytes, Math.max(1, at));
      }
    }
    return bytes;
  }

  /** Tar headers are worth nothing with a wrong checksum, so it is often set right again. */
  private static byte[] mutateTar(byte[] sound, Random random) {
    byte[] bytes = mutate(sound, random);
    if (random.nextInt(4) > 0) {
      for (int at = 0; at + 512 <= bytes.length; at += 512) {
        if (bytes[at + 257] == 'u' && bytes[at + 258] == 's') {
          byte[] header = java.util.Arrays.copyOfRange(bytes, at, at + 512);
          System.arraycopy(TarBytes.sum(header), 0, bytes, at, 512);
        }
      }
    }
    return bytes;
  }

  private void check(String name, byte[] archive, int round) throws IOException {
    try {
      StoredPackage stored = fixture.add(name, archive);
      fixture.store.verify(stored.digest());
      fixture.store.remove(stored.digest());
      taken++;
    } catch (PluginException e) {
      assertThat(e.code()).as("round %d: %s", round, e).isNotEqualTo(ErrorCode.INTERNAL);
      assertThat(e.code()).as("round %d: %s", round, e).isNotEqualTo(ErrorCode.STORE_CORRUPT);
    }
    fixture.assertNoTrace();
    assertThat(StoreFixture.snapshot(fixture.sentinel)).isEqualTo(sentinel);
  }

  @Test
  void mutated_tars() throws IOException {
    byte[] sound = tar();
    check("a.tgz", TarBytes.gzip(sound), -1);
    assertThat(taken).isEqualTo(1);
    var random = new Random(20_260_101);
    for (int round = 0; round < ROUNDS; round++) {
      check("a.tgz", TarBytes.gzip(mutateTar(sound, random)), round);
    }
    assertThat(taken).isBetween(2, ROUNDS / 2);
  }

  @Test
  void mutated_gzip() throws IOException {
    byte[] sound = TarBytes.gzip(tar());
    var random = new Random(20_260_102);
    for (int round = 0; round < ROUNDS; round++) {
      check("a.tgz", mutate(sound, random), round);
    }
  }

  @Test
  void mutated_zips() throws IOException {
    byte[] sound = zip();
    check("a.zip", sound, -1);
    assertThat(taken).isEqualTo(1);
    var random = new Random(20_260_103);
    for (int round = 0; round < ROUNDS; round++) {
      check("a.zip", mutate(sound, random), round);
    }
  }

  @Test
  void mutated_manifests() throws IOException {
    var random = new Random(20_260_104);
    byte[] sound =
        (MANIFEST
                + "resources: {memory_mb: 64}\nhooks:\n  - on_message\ncommands:\n"
                + "  - name: /roll\n    usage: '[NdM]'\nconfig_schema:\n"
                + "  sides: {type: integer, default: 6, minimum: 2}\n")
            .getBytes(java.nio.charset.StandardCharsets.UTF_8);
    for (int round = 0; round < ROUNDS; round++) {
      byte[] yaml = mutate(sound, random);
      check("a.tgz", new TarBytes().file("plugin.yaml", yaml).file("main.py", "").tarGz(), round);
    }
  }
}
