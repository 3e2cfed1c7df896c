package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel says, seen from the host, of every thread of a running sandbox. */
@Timeout(60)
final class PostureTest {
  private static final String NONE = "0000000000000000";
  private static final int SLOT = 40_021;
  private static final String UID = "240021";
  private static final String INIT_UID = "265535";

  static boolean root() {
    return Bench.isRoot();
  }

  @Test
  @EnabledIf(value = "root", disabledReason = "only root sees another user's namespaces")
  @DisplayName("ESC-18 every thread has the posture it should have")
  void esc18(@TempDir Path folder) throws IOException {
    try (Bench bench = Bench.open(folder);
        Probe probe = bench.start(SLOT)) {
      probe.run(
          "import subprocess, sys, threading, time",
          "for _ in range(2): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
          "child = subprocess.Popen([sys.executable, '-c', 'import time; print(1, flush=True);"
              + " time.sleep(600)'], stdout=subprocess.PIPE)",
          "child.stdout.readline(); child.stdout.close()");
      long init = probe.process().pid();
      List<Long> plugin = HostView.descendants(init);
      assertThat(plugin).hasSize(2);
      List<Path> threads = new ArrayList<>();
      for (long pid : plugin) {
        threads.addAll(threadsOf(pid));
      }
      assertThat(threads).hasSize(4);
      for (Path thread : threads) {
        check(thread, UID);
        assertThat(namespace(thread, "user")).isNotEqualTo(own("user"));
      }
      threadsOf(init).forEach(thread -> check(thread, INIT_UID));

      Path worker = Path.of("/proc/" + plugin.getFirst());
      // The first four: input, output twice, channel.
      assertThat(descriptors(worker)).hasSize(4);
      assertThat(descriptors(worker).getFirst()).isEqualTo("/dev/null");
      assertThat(descriptors(worker).subList(1, 4)).allMatch(fd -> fd.startsWith("socket:"));
      assertThat(HostView.read(worker.resolve("environ")).strip()).isEmpty();
      for (String map : List.of("uid_map", "gid_map")) {
        assertThat(HostView.read(worker.resolve(map)).strip().replaceAll(" +", " "))
            .isEqualTo("1000 " + UID + " 1");
      }
      assertThat(descriptors(Path.of("/proc/" + init)))
          .filteredOn(fd -> !fd.equals("/dev/null"))
          .singleElement()
          .asString()
          .startsWith("pipe:");
      assertThat(HostView.read(worker.resolve("oom_score_adj")).strip()).isEqualTo("500");
      assertThat(limit(worker, "Max core file size")).isIn("0", "1");
      assertThat(limit(worker, "Max open files")).isEqualTo("1024");
      assertThat(limit(worker, "Max file size")).isEqualTo("1073741824");
      checkMounts(worker);
    }
  }

  private static void check(Path thread, String uid) {
    Map<String, String> status = HostView.status(thread);
    String name = thread + " " + status.get("Name");
    assertThat(status.get("Uid").split("\t", -1)).as(name).containsOnly(uid);
    assertThat(status.get("Gid").split("\t", -1)).as(name).containsOnly(uid);
    assertThat(status.get("Groups")).as(name).isEmpty();
    for (String set : List.of("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")) {
      assertThat(status.get(set)).as(name + " " + set).isEqualTo(NONE);
    }
    assertThat(status.get("NoNewPrivs")).as(name).isEqualTo("1");
    assertThat(status.get("Seccomp")).as(name).isEqualTo("2");
    for (String kind : List.of("mnt", "pid", "net", "ipc", "uts", "cgroup")) {
      assertThat(namespace(thread, kind)).as(name + " " + kind).isNotEqualTo(own(kind));
    }
    assertThat(HostView.read(thread.resolve("cgroup")).lines())
        .filteredOn(line -> line.matches("\\d+:(.*,)?(memory|pids|cpu|cpuacct)(,.*)?:.*"))
        .isNotEmpty()
        .allMatch(line -> line.matches(".*/berth-[0-9a-f]{12}-[0-9a-f]{8}/w\\d+"));
  }

  private static void checkMounts(Path worker) {
    List<String> writable = new ArrayList<>();
    for (String line : HostView.read(worker.resolve("mountinfo")).lines().toList()) {
      List<String> fields = List.of(line.split(" ", -1));
      String point = fields.get(4);
      List<String> options = List.of(fields.get(5).split(",", -1));
      assertThat(options).as(line).contains("nosuid");
      if (!point.startsWith("/dev/")) {
        assertThat(options).as(line).contains("nodev");
      }
      if (options.contains("rw")) {
        assertThat(options).as(line).contains("noexec");
        writable.add(point);
      }
      assertThat(line).as("no mount is shared with the host").doesNotContain("shared:", "master:");
    }
    assertThat(writable)
        .containsExactlyInAnyOrder(
            "/tmp",
            "/data",
            "/proc",
            "/dev/null",
            "/dev/zero",
            "/dev/full",
            "/dev/random",
            "/dev/urandom");
  }

  private static List<Path> threadsOf(long pid) {
    try (Stream<Path> tasks = Files.list(Path.of("/proc/" + pid + "/task"))) {
      return tasks.toList();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static String namespace(Path thread, String kind) {
    return link(thread.resolve("ns/" + kind));
  }

  private static String own(String kind) {
    return link(Path.of("/proc/self/ns/" + kind));
  }

  private static String link(Path path) {
    try {
      return Files.readSymbolicLink(path).toString();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static List<String> descriptors(Path process) throws IOException {
    try (Stream<Path> fds = Files.list(process.resolve("fd"))) {
      return fds.sorted(
              java.util.Comparator.comparingInt(f -> Integer.parseInt(f.getFileName().toString())))
          .map(PostureTest::link)
          .toList();
    }
  }

  private static String limit(Path process, String name) {
    return HostView.read(process.resolve("limits"))
        .lines()
        .filter(line -> line.startsWith(name))
        .map(line -> line.substring(26).strip().replaceAll(" .*", ""))
        .findFirst()
        .orElseThrow();
  }
}
