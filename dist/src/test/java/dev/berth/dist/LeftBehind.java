package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

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

  /** Nothing of an uninstalled plugin is left, on disk, in the kernel or in the registry. */
  void nothingOf(RunningBerth berth, String id) {
    assertThat(berth.get("/api/plugins/" + id).status()).isEqualTo(404);
    assertThat(berth.get("/api/plugins").body()).doesNotContain(id);
    try (Stream<Path> all = Files.walk(data)) {
      assertThat(all.filter(path -> path.toString().contains(id))).isEmpty();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    assertThat(groups()).as("control groups").noneMatch(path -> path.contains(id));
    assertThat(mounts(id)).as("mounts").isEmpty();
    freesLoopsOf(id);
    // An engine under a fork bomb may take longer to remove one than the host waits for it.
    Eventually.is("the container of " + id + " goes", () -> !containers().contains(id));
  }

  /** Nothing of the host is left after it was closed: no group, process, mount or container. */
  void nothing() {
    assertThat(groups()).as("control groups").isEmpty();
    assertThat(launchers()).as("launchers").isEmpty();
    assertThat(mounts(data.toString())).as("mounts").isEmpty();
    freesLoopsOf(data.toString());
    Eventually.is("its containers go", () -> containers().isEmpty());
    assertThat(look(tree)).isEqualTo(sentinel);
  }

  /**
   * The installation's. A group that has a process can't be removed, so without groups there are no
   * processes.
   */
  private List<String> groups() {
    String mark = "berth-" + installation + "-";
    var found = new ArrayList<String>();
    try {
      // Others' groups may go while this one looks.
      Files.walkFileTree(
          Path.of("/sys/fs/cgroup"),
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult preVisitDirectory(Path group, BasicFileAttributes attributes) {
              if (group.toString().contains(mark)) {
                found.add(group.toString());
              }
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult visitFileFailed(Path file, IOException gone) {
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path group, @Nullable IOException gone) {
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  /** Those with such a text in them, where the host is and where its launcher mounts things. */
  private static List<String> mounts(String text) {
    var found = new ArrayList<String>();
    var namespaces = new ArrayList<>(launchers());
    namespaces.add(ProcessHandle.current());
    for (ProcessHandle process : namespaces) {
      try (Stream<String> lines =
          Files.lines(Path.of("/proc", Long.toString(process.pid()), "mountinfo"))) {
        lines.filter(line -> line.contains(text)).forEach(found::add);
      } catch (IOException | UncheckedIOException e) {
        assertThat(process.isAlive()).as(e.toString()).isFalse();
      }
    }
    return found;
  }

  /** Of every host in this JVM: where the sandboxes are made, and where plugins' images hang. */
  private static List<ProcessHandle> launchers() {
    return ProcessHandle.current()
        .children()
        .filter(child -> read(Path.of("/proc/" + child.pid() + "/comm")).equals("berth-launcher"))
        .toList();
  }

  /** The kernel frees a device by itself, soon after its last mount went with a namespace. */
  private static void freesLoopsOf(String text) {
    Eventually.is(
        "no loop device of " + text, () -> loops().stream().noneMatch(file -> file.contains(text)));
  }

  /** The files behind the machine's loop devices. */
  private static List<String> loops() {
    try (Stream<Path> devices = Files.list(Path.of("/sys/block"))) {
      return devices
          .map(device -> read(device.resolve("loop/backing_file")))
          .filter(file -> !file.isEmpty())
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Names of the installation's. */
  private String containers() {
    if (!DockerEngineHere.available()) {
      return "";
    }
    try {
      Process process =
          new ProcessBuilder(
                  "docker",
                  "ps",
                  "-a",
                  "--format",
                  "{{.Names}}",
                  "--filter",
                  "label=dev.berth.installation=" + installation)
              .redirectErrorStream(true)
              .start();
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Empty where there is none, or no more. */
  private static String read(Path file) {
    try {
      return Files.readString(file).strip();
    } catch (IOException gone) {
      return "";
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
