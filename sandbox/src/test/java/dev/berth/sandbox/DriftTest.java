package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Pipe;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Many starts and ends leave nothing behind. */
@Timeout(300)
final class DriftTest {
  private static final int ROUNDS = 200;
  private static final int WARM_UP = 10;

  /** What could grow. */
  private record Counts(int hostFiles, int launcherFiles, int mounts, int cgroups, int children) {}

  @Test
  void twoHundredStartsLeaveNothing(@TempDir Path folder) throws Exception {
    Bench opened = Bench.open(folder);
    try (Bench bench = opened) {
      openPollers();
      for (int i = 0; i < WARM_UP; i++) { // loads classes
        round(bench, i % 5);
      }
      settle(bench);
      Counts before = count(bench);
      for (int i = 0; i < ROUNDS; i++) {
        round(bench, i % 5);
      }
      settle(bench);
      assertThat(count(bench)).isEqualTo(before);
    }
    assertThat(ownCgroups(opened)).isEmpty();
    try (Stream<Path> left = Files.list(folder.resolve("run"))) {
      assertThat(left.map(f -> f.getFileName().toString()))
          .containsExactlyInAnyOrder("installation", "lock", "probe.img", "root", "volumes");
    }
  }

  /** The first start takes a spare sandbox, which is made good soon; the second comes before. */
  @Test
  void a_start_that_fails_does_not_keep_spare_sandboxes_from_being_made(@TempDir Path folder)
      throws Exception {
    try (Bench bench = Bench.open(folder)) {
      settle(bench);
      SandboxSpec gone = bench.spec(1, Bench.LIMITS);
      Files.delete(gone.packageDir().resolve("main.py"));
      Files.delete(gone.packageDir());
      Probe probe = bench.start(0);
      assertThat(probe.run("out = 1").asInt()).isEqualTo(1); // its start is over
      assertThatThrownBy(() -> bench.sandbox().start(gone))
          .isInstanceOf(PluginException.class)
          .hasMessageContaining("open the package folder");
      probe.close();
      probe.process().exited().get(10, TimeUnit.SECONDS);
      settle(bench);
    }
  }

  @Test
  void a_parked_sandbox_that_dies_leaves_nothing_and_is_made_good(@TempDir Path folder)
      throws Exception {
    try (Bench bench = Bench.open(folder)) {
      openPollers();
      round(bench, 0);
      settle(bench);
      Counts before = count(bench);
      long parked =
          HostView.descendants(bench.sandbox().launcherPid()).stream()
              .filter(p -> name(p).equals("berth-parked"))
              .findFirst()
              .orElseThrow();
      ProcessHandle.of(parked).orElseThrow().destroyForcibly();
      while (connections() > 2) { // the other one's
        Thread.sleep(5);
      }
      round(bench, 0);
      settle(bench);
      assertThat(count(bench)).isEqualTo(before);
    }
  }

  /** The JDK's own files, opened when a virtual thread first waits for one of its. */
  private static void openPollers() throws Exception {
    Pipe pipe = Pipe.open();
    try (var source = pipe.source();
        var sink = pipe.sink()) {
      Thread reader =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  assertThat(source.read(ByteBuffer.allocate(1))).isEqualTo(1);
                } catch (IOException e) {
                  throw new UncheckedIOException(e);
                }
              });
      while (reader.getState() != Thread.State.WAITING) {
        Thread.onSpinWait();
      }
      sink.write(ByteBuffer.wrap(new byte[1]));
      reader.join();
    }
  }

  private static void round(Bench bench, int slot) throws Exception {
    Probe probe = bench.start(slot);
    assertThat(probe.run("out = 1").asInt()).isEqualTo(1);
    probe.close();
    probe.process().exited().get(10, TimeUnit.SECONDS);
  }

  /** Waits until the spare children are made again and nothing is being taken down. */
  private static void settle(Bench bench) throws InterruptedException, IOException {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (System.nanoTime() < end) {
      List<Long> below = HostView.descendants(bench.sandbox().launcherPid());
      // The zygote and two spare children of two processes each, both with their title by now, and
      // both waiting: the launcher then has their mount namespaces beside its own, and the host two
      // connections of each.
      if (below.size() == 5
          && connections() == 4
          && views(bench) == 3
          && below.stream().filter(p -> name(p).equals("berth-init")).count() == 2
          && ownCgroups(bench).stream()
                      .filter(p -> p.getFileName().toString().startsWith("w"))
                      .count()
                  % 2
              == 0) {
        return;
      }
      Thread.sleep(20);
    }
    throw new AssertionError(
        "not settled: "
            + HostView.descendants(bench.sandbox().launcherPid())
            + " with "
            + connections()
            + " connections");
  }

  /**
   * Of workers to this process: the kernel makes the accepting end of a connection in the network
   * namespace of the connecting one, so this one's lists have all of its sockets but those.
   */
  private static long connections() throws IOException {
    String listed =
        Stream.of("unix", "tcp", "tcp6", "udp", "udp6")
            .map(kind -> HostView.read(Path.of("/proc/net/" + kind)))
            .collect(Collectors.joining())
            .replace("\n", " ");
    try (Stream<Path> own = Files.list(Path.of("/proc/self/fd"))) {
      return own.map(DriftTest::target)
          .filter(target -> target.startsWith("socket:["))
          .map(target -> target.substring("socket:[".length(), target.length() - 1))
          .filter(inode -> !listed.contains(" " + inode + " "))
          .count();
    }
  }

  private static long views(Bench bench) throws IOException {
    try (Stream<Path> files =
        Files.list(Path.of("/proc/" + bench.sandbox().launcherPid() + "/fd"))) {
      return files.filter(DriftTest::isView).count();
    }
  }

  private static boolean isView(Path file) {
    return target(file).startsWith("mnt:");
  }

  private static String target(Path file) {
    try {
      return Files.readSymbolicLink(file).toString();
    } catch (IOException e) {
      return ""; // closed meanwhile
    }
  }

  private static String name(long pid) {
    return HostView.status(Path.of("/proc/" + pid)).get("Name");
  }

  private static Counts count(Bench bench) throws IOException {
    long launcher = bench.sandbox().launcherPid();
    return new Counts(
        HostView.count(Path.of("/proc/self/fd")),
        HostView.count(Path.of("/proc/" + launcher + "/fd")),
        (int) HostView.read(Path.of("/proc/self/mountinfo")).lines().count(),
        ownCgroups(bench).size(),
        HostView.descendants(launcher).size());
  }

  private static List<Path> ownCgroups(Bench bench) throws IOException {
    String prefix =
        "berth-" + Files.readString(bench.data().resolve("run/installation")).strip() + "-";
    try (Stream<Path> all = Files.walk(Path.of("/sys/fs/cgroup"))) {
      return all.filter(Files::isDirectory).filter(p -> p.toString().contains(prefix)).toList();
    }
  }
}
