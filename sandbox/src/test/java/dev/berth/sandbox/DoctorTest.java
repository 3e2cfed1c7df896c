package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.HostReport;
import dev.berth.api.Isolation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** What the doctor says is what the sandbox then does, and nothing of its visit is left. */
@Timeout(180)
final class DoctorTest {
  @TempDir static Path folder;
  private static HostReport report;
  private static String before;

  static boolean engine() throws Exception {
    return SeccompProfileTest.engine();
  }

  static boolean root() {
    return Bench.isRoot();
  }

  @BeforeAll
  static void examine() throws IOException {
    before = traces();
    report = Doctor.examine(folder, System.getenv());
  }

  /** Mounts and loop devices of this host, and what lies in its folder for temporary files. */
  private static String traces() throws IOException {
    try (Stream<Path> temporary = Files.list(Path.of(System.getProperty("java.io.tmpdir")))) {
      return HostView.read(Path.of("/proc/self/mountinfo"))
              .lines()
              .filter(line -> line.contains("berth-doctor"))
              .toList()
          + temporary
              .map(path -> path.getFileName().toString())
              .filter(name -> name.startsWith("berth-doctor"))
              .toList()
              .toString();
    }
  }

  private static HostReport.Level level(String name) {
    return report.levels().stream()
        .filter(level -> level.name().equals(name))
        .findFirst()
        .orElseThrow();
  }

  private static List<String> missing(Isolation isolation) {
    return isolation.missing().stream().map(Isolation.Missing::protection).sorted().toList();
  }

  @Test
  void whatItSaysOfProcessIsWhatTheSandboxSays(@TempDir Path data) {
    for (ProcessMode mode : ProcessMode.values()) {
      String name = mode == ProcessMode.EXEC ? "process_exec" : report.standard();
      try (Bench bench = Bench.open(data.resolve(mode.word()), mode)) {
        Isolation isolation = bench.sandbox().isolation();
        assertThat(level(name).available()).isTrue();
        assertThat(level(name).isolation().enforced())
            .containsExactlyInAnyOrderElementsOf(isolation.enforced());
        List<String> missing = new java.util.ArrayList<>(missing(level(name).isolation()));
        assertThat(missing.remove("own_address_layout")).isEqualTo(mode == ProcessMode.ZYGOTE);
        assertThat(missing).isEqualTo(missing(isolation));
        assertThat(isolation.findings())
            .extracting(Isolation.Finding::name)
            .containsExactly("python", "clock", "swap", "open_files", "disk");
      }
    }
    assertThat(report.findings())
        .filteredOn(finding -> finding.name().startsWith("worker_"))
        .hasSize(2)
        .allMatch(Isolation.Finding::ok);
  }

  @Test
  @EnabledIf(value = "root", disabledReason = "only root can look at both users")
  void anotherUserGetsLessAndIsToldWhatHelps() {
    HostReport.Level weaker = level("process_without_root");
    assertThat(weaker.isolation().enforced()).contains("mount_namespace", "seccomp");
    assertThat(weaker.isolation().enforced()).doesNotContain("uid_per_plugin");
    assertThat(missing(weaker.isolation())).contains("uid_per_plugin");
    assertThat(weaker.isolation().missing())
        .allSatisfy(m -> assertThat(m.remedy()).as(m.protection()).isNotEmpty());
  }

  @Test
  @EnabledIf(value = "engine", disabledReason = "needs a Docker engine with the tests' image")
  void whatItSaysOfDockerIsWhatTheSandboxSays(@TempDir Path data) {
    DockerSandboxSettings settings =
        DockerSandboxSettings.of(data, PythonInterpreter.find().executable())
            .withImage(SeccompProfileTest.IMAGE, false)
            .withParked(0);
    try (DockerSandbox sandbox = DockerSandbox.open(settings)) {
      Isolation said = level("docker").isolation();
      assertThat(level("docker").available()).isTrue();
      assertThat(said.enforced()).containsAll(sandbox.isolation().enforced());
      assertThat(missing(said)).containsAll(missing(sandbox.isolation()));
    }
  }

  @Test
  void limitsWereExceeded() {
    for (String limit : List.of("memory_limit", "process_limit", "cpu_limit")) {
      List<Isolation.Finding> found =
          report.findings().stream().filter(finding -> finding.name().equals(limit)).toList();
      assertThat(found).as(limit).hasSize(1);
      assertThat(found.getFirst().ok())
          .as(found.toString())
          .isEqualTo(
              level(report.standard()).isolation().enforced().contains(limit)
                  && found.getFirst().what().contains("control groups, version"));
    }
  }

  @Test
  void anEngineThatIsNotThereIsNamed() {
    HostReport other =
        Doctor.examine(
            folder,
            Map.of(
                "PATH", System.getenv("PATH"), "DOCKER_HOST", "unix://" + folder + "/none.sock"));
    HostReport.Level docker = other.levels().getLast();
    assertThat(docker.name()).isEqualTo("docker");
    assertThat(docker.available()).isFalse();
    assertThat(docker.why())
        .isEqualTo("no engine answers at " + folder + "/none.sock: No such file or directory");
    assertThat(docker.isolation().missing().getFirst().remedy())
        .startsWith("Install Docker and start it");
  }

  @Test
  void withoutPythonThereIsNoSandbox() {
    HostReport none = Doctor.examine(folder, Map.of("PATH", folder.toString()));
    assertThat(none.complete()).isFalse();
    assertThat(none.levels()).singleElement().matches(level -> !level.available());
    assertThat(none.findings().getFirst().remedy()).contains("apt install python3");
  }

  @Test
  void nothingIsLeft() throws IOException {
    assertThat(traces()).isEqualTo(before);
    for (String place : List.of("/sys/fs/cgroup", "/sys/fs/cgroup/memory")) {
      if (Files.isDirectory(Path.of(place))) {
        try (Stream<Path> groups = Files.walk(Path.of(place), 4)) {
          assertThat(groups.map(Path::toString).filter(p -> p.contains("berth-doctor")).toList())
              .isEmpty();
        }
      }
    }
  }
}
