package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What must not be there after a plugin or a host is gone: INV-HOST, INV-CLEAN, INV-REG and
 * INV-HOSTMEM.
 */
final class LeftBehind {
  private static final long HEAP = 64L << 20;
  private static final int FEW = 16;

  private final Path data;
  private final String installation;
  private final Path tree;
  private final Map<String, String> sentinel;
  private long heap;
  private long files;
  private int threads;

  private LeftBehind(Path data, Path tree) throws IOException {
    this.data = data;
    this.tree = tree;
    this.installation = Files.readString(data.resolve("run/installation")).strip();
    this.sentinel = look(tree);
  }

  /** Begins: plants a tree beside the data that nobody has any business with. */
  static LeftBehind watch(RunningBerth berth) {
    try {
      Path tree = Files.createDirectories(berth.data().resolveSibling("host"));
      Files.writeString(tree.resolve("secret"), "nobody's business");
      return new LeftBehind(berth.data(), tree);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The file of the tree that an attacker may be told of. */
  Path secret() {
    return tree.resolve("secret");
  }

  /** Takes what the host uses now, with its plugins running, as what it may use later. */
  void takesAsUsual() {
    heap = heap();
    files = files();
    threads = threads();
  }

  /** The tree is as it was, and the host as large. */
  void hostIsAsUsual() {
    assertThat(look(tree)).isEqualTo(sentinel);
    assertThat(heap() - heap).as("growth of the heap").isLessThan(HEAP);
    assertThat(files()).as("open files").isLessThan(files + FEW);
    assertThat(threads()).as("threads").isLessThan(threads + 2 * FEW);
  }

  /** Nothing of an uninstalled plugin is left, on disk or in the registry. */
  void nothingOf(RunningBerth berth, String id) {
    assertThat(berth.get("/api/plugins/" + id).status()).isEqualTo(404);
    assertThat(berth.get("/api/plugins").body()).doesNotContain(id);
    try (Stream<Path> all = Files.walk(data)) {
      assertThat(all.filter(path -> path.toString().contains(id))).isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(groups().stream().filter(path -> path.toString().contains(id))).isEmpty();
  }

  /** Nothing of the host is left after it was closed: no group, process, mount or container. */
  void nothing() {
    assertThat(groups()).isEmpty();
    assertThat(mounts()).isEmpty();
    if (DockerEngineHere.available()) {
      assertThat(containers()).isEmpty();
    }
    assertThat(look(tree)).isEqualTo(sentinel);
  }

  /** A group that has a process can't be removed, so without groups there are no processes. */
  private List<Path> groups() {
    try (Stream<Path> all = Files.walk(Path.of("/sys/fs/cgroup"))) {
      return all.filter(path -> path.toString().contains("berth-" + installation + "-")).toList();
    } catch (IOException | UncheckedIOException e) {
      return List.of(Path.of("looked while it was changing: " + e));
    }
  }

  private List<String> mounts() {
    try {
      return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
          .filter(line -> line.contains(data.toString()))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private String containers() {
    try {
      Process process =
          new ProcessBuilder(
                  "docker", "ps", "-aq", "--filter", "label=dev.berth.installation=" + installation)
              .redirectErrorStream(true)
              .start();
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Path, owner, mode, time and content. */
  private static Map<String, String> look(Path tree) {
    try (Stream<Path> paths = Files.walk(tree)) {
      Map<String, String> seen = new TreeMap<>();
      for (Path path : paths.toList()) {
        String content = Files.isRegularFile(path) ? Files.readString(path) : "";
        seen.put(
            path.toString(),
            Files.readAttributes(path, "unix:uid,gid,mode,lastModifiedTime") + content);
      }
      return seen;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static long heap() {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    return runtime.totalMemory() - runtime.freeMemory();
  }

  private static long files() {
    return ManagementFactory.getPlatformMXBean(UnixOperatingSystemMXBean.class)
        .getOpenFileDescriptorCount();
  }

  private static int threads() {
    return ManagementFactory.getThreadMXBean().getThreadCount();
  }
}
