package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TreeRemoverTest {
  @TempDir Path dir;
  private Path tree;
  private Path precious;
  private Map<String, String> before;

  @BeforeEach
  void grow() throws IOException {
    precious = Files.createDirectories(dir.resolve("precious/inner"));
    Files.writeString(precious.resolve("file"), "keep me");
    before = StoreFixture.snapshot(dir.resolve("precious"));
    tree = Files.createDirectories(dir.resolve("tree/a/b"));
    tree = dir.resolve("tree");
  }

  private void assertGone() throws IOException {
    assertThat(Files.exists(tree, java.nio.file.LinkOption.NOFOLLOW_LINKS)).isFalse();
    assertThat(StoreFixture.snapshot(dir.resolve("precious"))).isEqualTo(before);
  }

  @Test
  void deletes_links_and_not_what_they_point_to() throws IOException {
    Files.createSymbolicLink(tree.resolve("folder"), dir.resolve("precious"));
    Files.createSymbolicLink(tree.resolve("a/b/file"), precious.resolve("file"));
    Files.createSymbolicLink(tree.resolve("dangling"), Path.of("/nowhere"));
    TreeRemover.remove(tree);
    assertGone();
  }

  @Test
  void deletes_a_link_in_its_own_place() throws IOException {
    TreeRemover.remove(tree);
    Files.createSymbolicLink(tree, dir.resolve("precious"));
    TreeRemover.remove(tree);
    assertGone();
  }

  @Test
  void deletes_what_is_read_only() throws IOException {
    Files.writeString(tree.resolve("a/b/file"), "x");
    for (String path : new String[] {"a/b/file", "a/b", "a", ""}) {
      Files.setPosixFilePermissions(
          tree.resolve(path), PosixFilePermissions.fromString("r-xr-xr-x"));
    }
    TreeRemover.remove(tree);
    assertGone();
  }

  @Test
  void nothing_happens_when_nothing_is_there() throws IOException {
    TreeRemover.remove(tree);
    TreeRemover.remove(tree);
    TreeRemover.remove(dir.resolve("no/such/folder"));
    assertGone();
  }

  /** Deeper than a path can be long, and than there may be open files. */
  @Test
  void deletes_what_is_very_deep() throws Exception {
    var process =
        new ProcessBuilder(
                "python3",
                "-c",
                """
                import os, sys
                os.chdir(sys.argv[1])
                for i in range(2000):
                    os.mkdir("d" * 20)
                    os.chdir("d" * 20)
                    if i % 50 == 0:
                        open("f", "w").close()
                """,
                tree.toString())
            .inheritIO()
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).isZero();
    TreeRemover.remove(tree);
    assertGone();
  }

  /** A folder is swapped for a link to the precious one, over and over, while it is deleted. */
  @Test
  void a_swap_while_deleting_does_not_lead_out() throws Exception {
    for (int round = 0; round < 20; round++) {
      for (int i = 0; i < 20; i++) {
        Files.createDirectories(tree.resolve("d" + i + "/inner"));
        Files.writeString(tree.resolve("d" + i + "/inner/file"), "x");
      }
      var stop = new AtomicBoolean();
      Thread swapper =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; !stop.get(); i = (i + 1) % 20) {
                  Path folder = tree.resolve("d" + i);
                  Path away = tree.resolve("away" + i);
                  try {
                    Files.move(folder, away);
                    Files.createSymbolicLink(folder, dir.resolve("precious"));
                    Files.delete(folder);
                    Files.move(away, folder);
                  } catch (IOException e) {
                    // Deleted under our hands: that is the race that is wanted.
                  }
                }
              });
      try {
        TreeRemover.remove(tree);
      } catch (IOException e) {
        // Lost the race; nothing outside may have been touched all the same.
      } finally {
        stop.set(true);
        swapper.join();
      }
      assertThat(StoreFixture.snapshot(dir.resolve("precious"))).isEqualTo(before);
      TreeRemover.remove(tree);
    }
    assertGone();
  }
}
