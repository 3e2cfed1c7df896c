package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Installing dependencies comes to an early end: by an interruption, the death of the host, a full
 * disk.
 */
class DependencyDeathTest extends DependencyTestBase {
  @ParameterizedTest
  @EnumSource
  void an_interrupted_install_ends_and_leaves_nothing(Tool tool) throws Exception {
    try (var index = new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.SILENT)) {
      DependencyStore store = store(tool.at(index.url(), home));
      var outcome = new java.util.concurrent.CompletableFuture<ErrorCode>();
      Thread installing =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  store.prepare(List.of("berth-slow"), InstallProgress.NONE);
                  outcome.completeExceptionally(new AssertionError("prepared"));
                } catch (PluginException e) {
                  outcome.complete(e.code());
                }
              });
      index.asked.await();
      installing.interrupt();
      assertThat(outcome.get()).isEqualTo(ErrorCode.CANCELLED);
      assertNothingLeft();
      assertThat(running()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void a_host_that_is_killed_takes_its_tool_with_it(Tool tool) throws Exception {
    try (var index = new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.SILENT)) {
      var command =
          new ArrayList<>(
              List.of(
                  ProcessHandle.current().info().command().orElseThrow(),
                  "-cp",
                  System.getProperty("java.class.path"),
                  PrepareDependencies.class.getName(),
                  data.toString(),
                  "berth-slow"));
      tool.at(index.url(), home).forEach((key, value) -> command.add(key + "=" + value));
      Process host = new ProcessBuilder(command).inheritIO().start();
      index.asked.await();
      List<Long> tools = running();
      assertThat(tools).isNotEmpty();
      host.destroyForcibly().waitFor();
      for (long pid : tools) {
        ProcessHandle.of(pid).ifPresent(process -> process.onExit().join());
      }
      assertThat(running()).isEmpty();
      DependencyStore next = store(tool);
      next.sweep();
      assertNothingLeft();
    }
  }

  @Test
  void half_done_work_of_a_host_that_died_is_swept() throws Exception {
    Path site = Files.createDirectories(data.resolve("site"));
    Path good = Files.createDirectory(site.resolve("a".repeat(64)));
    for (String left : List.of(".work-1", ".new-2", ".new-" + "b".repeat(64))) {
      Path folder = Files.createDirectories(site.resolve(left).resolve("x"));
      Files.createSymbolicLink(folder.resolve("out"), good);
      Files.writeString(good.resolve(left.substring(1)), "kept");
      Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("r-xr-xr-x"));
    }
    DependencyStore store = store(Map.of());
    store.sweep();
    assertThat(site.toFile().list()).containsExactly(good.getFileName().toString());
    assertThat(good.toFile().list()).hasSize(3);
    assertThat(store.locks()).containsExactly("a".repeat(64));
  }

  @ParameterizedTest
  @EnumSource
  void cra_05_a_full_disk_is_said_and_nothing_left(Tool tool) throws Exception {
    var random = new java.util.Random(3);
    var content = new StringBuilder();
    for (int i = 0; i < 3_000_000; i++) {
      content.append((char) (' ' + random.nextInt(90)));
    }
    wheels.wheel(
        "berth_large", "1.0", List.of(), Map.of("berth_large.txt", content.toString()), Map.of());
    Files.createDirectories(data);
    boolean mounted =
        run("mount", "-t", "tmpfs", "-o", "size=2m", "berth-test", data.toString()) == 0;
    assumeTrue(mounted, "a small file system can be mounted by root only");
    try {
      PluginException e = refused(store(tool), "berth-large");
      assertThat(e.code()).as(e.getMessage()).isEqualTo(ErrorCode.DISK_FULL);
      assertThat(e).hasMessageContaining("the disk is full");
    } finally {
      assertThat(run("umount", data.toString())).isZero();
    }
  }

  private static int run(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start()
        .waitFor();
  }
}
