package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.PluginId;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What the kernel says of every thread of a running sandbox is what is declared of its kind. */
@Timeout(120)
@EnabledIf(value = "root", disabledReason = "only root sees another user's namespaces")
final class PostureTest {
  private static final int SLOT = 40_021;
  private static final int NOBODY = 65_534;

  static boolean root() {
    return Bench.isRoot();
  }

  static boolean engine() throws Exception {
    return SeccompProfileTest.engine();
  }

  static boolean withoutRootPossible() {
    return WithoutRootTest.possible();
  }

  @ParameterizedTest
  @EnumSource(ProcessMode.class)
  @DisplayName("ESC-18 every thread has the declared posture: process, as root")
  void esc18(ProcessMode mode, @TempDir Path folder) throws IOException {
    try (Bench bench = Bench.open(folder, mode);
        Probe probe = bench.start(SLOT)) {
      probe.run(Posture.COMPANY);
      String declared = Posture.declared("process-root");
      assertThat(Posture.of(probe.process().pid(), 200_000 + SLOT, declared)).isEqualTo(declared);
    }
  }

  @ParameterizedTest
  @EnumSource(ProcessMode.class)
  @DisplayName("ESC-18 a sandbox that waits for its plugin has its system calls filtered already")
  void esc18Parked(ProcessMode mode, @TempDir Path folder) throws Exception {
    try (Bench bench = Bench.open(folder, mode);
        Probe probe = bench.start(SLOT)) {
      long init = probe.process().pid();
      long end = System.nanoTime() + 60_000_000_000L;
      List<Map<String, String>> parked = parked(init);
      while (parked.isEmpty()
          || parked.stream().anyMatch(status -> !status.get("Seccomp").equals("2"))) {
        assertThat(System.nanoTime()).as("%s", parked).isLessThan(end);
        Thread.sleep(20); // nothing tells the host that one is parked
        parked = parked(init);
      }
      assertThat(parked).allMatch(status -> status.get("NoNewPrivs").equals("1"));
    }
  }

  /** The status of the second process of each sandbox's pid namespace, but for the probe's. */
  private static List<Map<String, String>> parked(long init) {
    return HostView.descendants(ProcessHandle.current().pid()).stream()
        .map(pid -> Path.of("/proc/" + pid))
        .filter(Files::exists)
        .map(HostView::status)
        .filter(status -> status.get("NSpid").endsWith("\t2"))
        .filter(status -> !status.get("PPid").equals(Long.toString(init)))
        .toList();
  }

  @ParameterizedTest
  @EnumSource(ProcessMode.class)
  @EnabledIf(value = "withoutRootPossible", disabledReason = "needs /usr/bin/python3 and setpriv")
  @DisplayName("ESC-18 every thread has the declared posture: process, without root")
  void esc18WithoutRoot(ProcessMode mode, @TempDir Path folder) throws Exception {
    try (ChildHost host =
        ChildHost.startWithoutRoot(folder, WithoutRootTest.PYTHON, 1, true, mode)) {
      String workers = host.await("workers");
      host.await("ready");
      String declared = Posture.declared("process-without-root");
      long init = Long.parseLong(workers.substring(1, workers.length() - 1));
      assertThat(Posture.of(init, NOBODY, declared)).isEqualTo(declared);
      assertThat(host.end()).isZero();
      assertThat(Files.exists(Path.of("/proc/" + init))).isFalse();
    }
  }

  @Test
  @EnabledIf(value = "engine", disabledReason = "needs a Docker engine with the tests' image")
  @DisplayName("ESC-18 every thread has the declared posture: Docker")
  void esc18Docker(@TempDir Path folder) throws Exception {
    Path workspace = Files.createDirectories(folder.resolve("package"));
    Files.writeString(workspace.resolve("main.py"), Posture.PLUGIN);
    DockerSandboxSettings settings =
        DockerSandboxSettings.of(folder, PythonInterpreter.find().executable())
            .withImage(SeccompProfileTest.IMAGE, false)
            .withParked(0);
    try (DockerSandbox sandbox = DockerSandbox.open(settings);
        Probe worker =
            new Probe(
                sandbox.start(
                    SandboxSpec.of(
                        new PluginId("plugin_c"),
                        1,
                        workspace,
                        null,
                        folder.resolve("plugins/c/data"),
                        SLOT,
                        Bench.LIMITS)))) {
      worker.send(Posture.INITIALIZE);
      assertThat(worker.receive().path("result").path("protocol").asInt()).isEqualTo(1);
      String declared = Posture.declared("docker");
      int uid = ((DockerWorker) worker.process()).user();
      assertThat(Posture.of(worker.process().pid(), uid, declared)).isEqualTo(declared);
    }
  }
}
