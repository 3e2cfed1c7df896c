package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;

/**
 * While a plugin burns the CPU, the host's loops and calm plugins go first, and it last (ADR 18).
 */
@Timeout(120)
@RootOnly("without root there are no control groups to look at")
final class SliceTest extends OneHost {
  private static final long SHORT = 100_000;
  private static final long LONG = 3_000_000;
  private static final long COMPILERS = 10_000_000;
  private static final long ROUND_ROBIN = 2; // SCHED_RR, sched(7)
  private static final Path OWN = Path.of("/proc/self/task");
  private static final String MAIN =
      """
      import time

      class P:
          def __init__(self, config):
              pass

          async def execute(self, context):
              end = time.monotonic() + context.get("burn", 0)
              while time.monotonic() < end:
                  pass
              return {}
      """;

  @Test
  void loops_and_calm_plugins_go_first_while_another_burns_and_goes_last() throws Exception {
    OptionalLong usual = slice(OWN.resolve(Long.toString(ProcessHandle.current().pid())));
    assumeTrue(usual.isPresent(), "this kernel does not tell a thread's slice");
    assumeTrue(newerThan611(), "threads have no slice of their own before Linux 6.12");
    String yaml = "resources: {timeout_seconds: 60}\n";
    String calm = running(Pack.plugin(folder, "calm", "1.0.0", yaml, MAIN));
    String burner = running(Pack.plugin(folder, "burner", "1.0.0", yaml, MAIN));
    Path calmTask = task(calm);
    Path burnerTask = task(burner);
    if (kind != Kinds.DOCKER) { // a container that is made burns for a moment
      assertThat(slice(calmTask)).as("nobody burns").isEqualTo(usual);
    }

    CompletableFuture<JsonNode> burning =
        CompletableFuture.supplyAsync(() -> ask(burner, "{\"burn\":6}"));
    eventually("the calm plugin's", () -> slice(calmTask).equals(OptionalLong.of(SHORT)));
    eventually("the host's loops go first", () -> isForAll("berth-loop", "policy", ROUND_ROBIN));
    eventually("the compilers'", () -> isForAll("C1 Compiler", "se.slice", COMPILERS));
    eventually("the burner's", () -> slice(burnerTask).equals(OptionalLong.of(LONG)));
    assertThat(burning.join().isObject()).isTrue();
    eventually("the host's loops again", () -> isForAll("berth-loop", "se.slice", SHORT));
  }

  private static boolean newerThan611() {
    List<String> version = List.of(System.getProperty("os.version").split("[.-]", 3));
    int major = Integer.parseInt(version.get(0));
    return major > 6 || (major == 6 && Integer.parseInt(version.get(1)) >= 12);
  }

  /** Every thread of the host's that is called so, and there are some. */
  private static boolean isForAll(String name, String what, long value) {
    try (Stream<Path> tasks = Files.list(OWN)) {
      List<Path> named = tasks.filter(task -> read(task, "comm").startsWith(name)).toList();
      return !named.isEmpty()
          && named.stream().allMatch(task -> sched(task, what).equals(OptionalLong.of(value)));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The worker's main thread. */
  private Path task(String plugin) throws IOException {
    if (kind == Kinds.DOCKER) {
      String init = DockerEngineHere.says("container", "inspect", "-f", "{{.State.Pid}}", plugin);
      Path thread = Path.of("/proc", init, "task", init);
      return Path.of("/proc", read(thread, "children").strip());
    }
    try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
      return processes
          .filter(process -> process.getFileName().toString().matches("\\d+"))
          .filter(process -> read(process, "cmdline").startsWith("berth-worker " + plugin))
          .findFirst()
          .orElseThrow();
    }
  }

  /** In nanoseconds; empty where the kernel doesn't say. */
  private static OptionalLong slice(Path task) {
    return sched(task, "se.slice");
  }

  /** What {@code /proc/PID/sched} says; empty where it doesn't. */
  private static OptionalLong sched(Path task, String what) {
    return read(task, "sched")
        .lines()
        .filter(line -> line.startsWith(what + " "))
        .mapToLong(line -> Long.parseLong(line.substring(line.indexOf(':') + 1).strip()))
        .findFirst();
  }

  /** Empty for one that has ended. */
  private static String read(Path process, String file) {
    try {
      return Files.readString(process.resolve(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      return "";
    }
  }

  private static void eventually(String whose, BooleanSupplier isSo) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(5);
    while (!isSo.getAsBoolean()) {
      assertThat(System.nanoTime()).as(whose + ": as it should be").isLessThan(end);
      Thread.onSpinWait();
    }
  }
}
