package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import com.sun.net.httpserver.HttpServer;
import dev.berth.api.HostReport;
import dev.berth.api.Isolation;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
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
        assertThat(level(name).available()).as(level(name).why()).isTrue();
        assertThat(level(name).isolation().enforced())
            .containsExactlyInAnyOrderElementsOf(isolation.enforced());
        List<String> missing = new java.util.ArrayList<>(missing(level(name).isolation()));
        assertThat(missing.remove("own_address_layout")).isEqualTo(mode == ProcessMode.ZYGOTE);
        assertThat(missing).isEqualTo(missing(isolation));
        assertThat(isolation.findings())
            .extracting(Isolation.Finding::name)
            .containsExactly("python", "clock", "swap", "overcommit", "open_files", "disk");
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
      assertThat(said.enforced())
          .containsExactlyInAnyOrderElementsOf(sandbox.isolation().enforced());
      assertThat(said.missing()).containsExactlyInAnyOrderElementsOf(sandbox.isolation().missing());
      // They share a kernel, and so what it has.
      List<String> process = level(report.standard()).isolation().enforced();
      for (String kernels : List.of("landlock", "seccomp")) {
        assertThat(said.enforced().contains(kernels)).isEqualTo(process.contains(kernels));
      }
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
        .startsWith("The Docker engine at unix://" + folder + "/none.sock can't be used: ")
        .doesNotContain("Exception");
    assertThat(docker.isolation().missing().getFirst().remedy())
        .startsWith("Install Docker and start it");
  }

  @Test
  void the_engine_that_DOCKER_HOST_names_is_asked_on_whatever_transport(@TempDir Path scratch)
      throws IOException {
    Map<String, String> answers =
        Map.of(
            "version",
            "{\"Version\":\"27.0\",\"ApiVersion\":\"1.46\"}",
            "info",
            "{\"MemoryLimit\":true,\"PidsLimit\":true,\"CgroupVersion\":\"2\","
                + "\"Runtimes\":{\"runc\":{},\"runsc\":{}}}");
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext(
        "/",
        exchange -> {
          String path = exchange.getRequestURI().getPath();
          String said = answers.getOrDefault(path.substring(path.lastIndexOf('/') + 1), "{}");
          exchange.sendResponseHeaders(200, said.length());
          exchange.getResponseBody().write(said.getBytes(StandardCharsets.UTF_8));
          exchange.close();
        });
    server.start();
    try {
      String host = "tcp://127.0.0.1:" + server.getAddress().getPort();
      List<Isolation.Finding> findings = new ArrayList<>();
      HostReport.Level docker = docker(host, scratch, findings);
      assertThat(docker.available()).as(docker.why()).isTrue();
      assertThat(docker.isolation().enforced()).contains("memory_limit", "process_limit");
      assertThat(missing(docker.isolation())).contains("seccomp", "swap_limit", "cpu_limit");
      assertThat(docker.isolation().missing())
          .allSatisfy(m -> assertThat(m.remedy()).as(m.protection()).isNotEmpty());
      assertThat(findings)
          .extracting(Isolation.Finding::name, Isolation.Finding::ok)
          .contains(tuple("docker_engine", true), tuple("gvisor", true));
      assertThat(findings.getFirst().what())
          .isEqualTo("Docker 27.0, API 1.46, control groups of version 2, at " + host);
    } finally {
      server.stop(0);
    }
    HostReport.Level far = docker("tcp://192.0.2.1:2375", scratch, new ArrayList<>());
    assertThat(far.available()).isFalse();
    assertThat(far.why()).contains("tcp://192.0.2.1:2375, on another machine");
    assertThat(docker("ssh://x", scratch, new ArrayList<>()).why()).contains("'ssh://x'");
  }

  private static HostReport.Level docker(
      String host, Path scratch, List<Isolation.Finding> findings) throws IOException {
    Path python = PythonInterpreter.find().executable();
    return DockerLevel.examine(host, python, RuntimeFiles.unpack(scratch), scratch, findings);
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
