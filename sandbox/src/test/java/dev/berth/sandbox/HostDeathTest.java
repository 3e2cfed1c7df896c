package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The host dies, in JVMs of their own. */
@Timeout(120)
final class HostDeathTest {
  @Test
  @DisplayName("CRA-08 kill -9 of the host ends every plugin and removes its control groups")
  void cra08(@TempDir Path folder) throws Exception {
    try (ChildHost host = ChildHost.start(folder, "python3", 20, !Bench.isRoot())) {
      long launcher = Long.parseLong(host.await("launcher"));
      host.await("ready");
      assertThat(HostView.descendants(launcher)).hasSizeGreaterThanOrEqualTo(40);
      List<Long> all = HostView.descendants(host.pid());
      host.killHard();
      await(() -> all.stream().noneMatch(pid -> Files.exists(Path.of("/proc/" + pid))));
      await(() -> cgroups(folder).isEmpty());
    }
  }

  @Test
  @DisplayName("CRA-08 with its launcher killed first, the next host sweeps what was left")
  void cra08WithoutLauncher(@TempDir Path folder) throws Exception {
    try (ChildHost host = ChildHost.start(folder, "python3", 2, !Bench.isRoot())) {
      long launcher = Long.parseLong(host.await("launcher"));
      host.await("ready");
      List<Long> all = HostView.descendants(host.pid());
      ProcessHandle.of(launcher).orElseThrow().destroyForcibly();
      host.killHard();
      await(() -> all.stream().noneMatch(pid -> Files.exists(Path.of("/proc/" + pid))));
    }
    try (Bench next = Bench.open(folder)) {
      assertThat(cgroups(folder).stream().map(HostDeathTest::instance).distinct().count())
          .isLessThanOrEqualTo(1);
      next.start(1).close();
    }
    assertThat(cgroups(folder)).isEmpty();
  }

  private static String instance(Path cgroup) {
    return cgroup.toString().replaceAll(".*/(berth-[^/-]*-[^/-]*).*", "$1");
  }

  private static List<Path> cgroups(Path data) {
    try (Stream<Path> all = Files.walk(Path.of("/sys/fs/cgroup"))) {
      String prefix = "berth-" + Files.readString(data.resolve("run/installation")).strip() + "-";
      return all.filter(p -> p.toString().contains(prefix)).toList();
    } catch (IOException | java.io.UncheckedIOException e) {
      return List.of(Path.of("looked while it was changing: " + e));
    }
  }

  /** The kernel tells nobody but its parent when a process is gone, hence the looking. */
  private static void await(BooleanSupplier done) throws InterruptedException {
    long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
    while (!done.getAsBoolean()) {
      assertThat(System.nanoTime()).as("still there after 20 s").isLessThan(end);
      Thread.sleep(20);
    }
  }
}
