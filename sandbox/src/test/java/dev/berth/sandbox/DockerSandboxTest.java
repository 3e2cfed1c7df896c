package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.ResourceLimits;
import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Containers of a real engine, as the engine shows them. */
@Timeout(180)
@EnabledIf(value = "engine", disabledReason = "needs a Docker engine with the tests' image")
final class DockerSandboxTest {
  private static final int SLOT = 7;

  @TempDir Path folder;
  private Path workspace;

  static boolean engine() throws Exception {
    return SeccompProfileTest.engine();
  }

  @BeforeEach
  void make() throws IOException {
    workspace = Files.createDirectories(folder.resolve("package"));
    Files.writeString(workspace.resolve("main.py"), Posture.PLUGIN);
  }

  private DockerSandboxSettings settings(boolean pluginImages) {
    return DockerSandboxSettings.of(folder.resolve("data"), PythonInterpreter.find().executable())
        .withAllowWeak(!Bench.isRoot())
        .withImage(SeccompProfileTest.IMAGE, pluginImages);
  }

  private SandboxSpec spec(int generation, ResourceLimits limits) {
    return SandboxSpec.of(
        new PluginId("plugin_d" + ProcessHandle.current().pid()),
        generation,
        workspace,
        null,
        folder.resolve("data/volumes/d"),
        SLOT,
        limits);
  }

  private static Probe initialized(SandboxProcess process) {
    Probe worker = new Probe(process);
    worker.send(Posture.INITIALIZE);
    assertThat(worker.receive().path("result").path("protocol").asInt()).isEqualTo(1);
    return worker;
  }

  private static JsonNode inspect(SandboxProcess process) {
    try (DockerEngine engine = DockerEngine.connect(System.getenv("DOCKER_HOST"))) {
      return engine.get("/containers/" + ((DockerWorker) process).container() + "/json").body();
    }
  }

  @Test
  void a_container_is_what_was_asked_for_and_tells_no_secret() {
    try (DockerSandbox sandbox = DockerSandbox.open(settings(false));
        Probe worker = initialized(sandbox.start(spec(1, new ResourceLimits(96, 512, 30))))) {
      JsonNode seen = inspect(worker.process());
      assertThat(seen.path("Name").asString()).isEqualTo("/" + spec(1, Bench.LIMITS).plugin());
      JsonNode host = seen.path("HostConfig");
      assertThat(host.path("Memory").asLong()).isEqualTo(96L << 20);
      assertThat(host.path("MemorySwap").asLong()).isEqualTo(96L << 20);
      assertThat(host.path("CpuShares").asInt()).isEqualTo(512);
      assertThat(host.path("CpuQuota").asInt()).isEqualTo(100_000);
      assertThat(host.path("PidsLimit").asInt()).isEqualTo(129);
      assertThat(host.path("Init").asBoolean()).isTrue();
      assertThat(host.path("ReadonlyRootfs").asBoolean()).isTrue();
      assertThat(host.path("NetworkMode").asString()).isEqualTo("none");
      assertThat(host.path("IpcMode").asString()).isEqualTo("none");
      assertThat(host.path("Privileged").asBoolean()).isFalse();
      assertThat(host.path("LogConfig").path("Type").asString()).isEqualTo("none");
      assertThat(seen.path("Config").path("Labels").propertyNames())
          .contains("dev.berth.installation", "dev.berth.boot");
      // The token is in a file that is gone by now; nothing that is shown has its 64 digits.
      for (JsonNode shown :
          List.of(
              seen.path("Config").path("Env"),
              seen.path("Config").path("Cmd"),
              seen.path("Args"),
              seen.path("Config").path("Labels"))) {
        assertThat(shown.toString()).doesNotContainPattern("[0-9a-f]{64}");
      }
      String user = seen.path("Config").path("User").asString();
      assertThat(user).isNotEqualTo("0:0").isNotEqualTo("root");
    }
  }

  @Test
  void two_workers_of_a_plugin_have_two_names_and_the_second_inherits_the_first() throws Exception {
    try (DockerSandbox sandbox = DockerSandbox.open(settings(false))) {
      Probe first = initialized(sandbox.start(spec(1, Bench.LIMITS)));
      try (Probe second = initialized(sandbox.start(spec(2, Bench.LIMITS)))) {
        String plain = spec(1, Bench.LIMITS).plugin().value();
        assertThat(inspect(first.process()).path("Name").asString()).isEqualTo("/" + plain);
        assertThat(inspect(second.process()).path("Name").asString()).isEqualTo("/" + plain + "_2");
        first.close();
        var worker = (DockerWorker) second.process();
        for (int i = 0; i < 300 && !worker.name().equals(plain); i++) {
          Thread.sleep(100); // the engine is told after the first is removed
        }
        assertThat(inspect(worker).path("Name").asString()).isEqualTo("/" + plain);
      }
    }
  }

  @Test
  @DisplayName("RUN-02 more memory than allowed is told as such, and nothing is left")
  void run02() throws Exception {
    Files.writeString(
        workspace.resolve("main.py"),
        """
        class Company:
            def __init__(self, config):
                kept = []
                while True:
                    kept.append(bytearray(b"x" * (1 << 20)))

            async def execute(self, context):
                return 1
        """);
    try (DockerSandbox sandbox = DockerSandbox.open(settings(false))) {
      SandboxProcess process = sandbox.start(spec(1, new ResourceLimits(64, 1024, 30)));
      Probe worker = new Probe(process);
      worker.send(Posture.INITIALIZE);
      assertThat(process.exited().get(60, TimeUnit.SECONDS))
          .isEqualTo(new SandboxExit.OutOfMemory(64L << 20));
      ((DockerWorker) process).removed().get(60, TimeUnit.SECONDS);
      assertThat(inspect(process).has("Id")).isFalse();
      worker.close();
    }
  }

  @Test
  void killed_from_outside_it_is_told_and_removed_and_so_is_a_waiting_one() throws Exception {
    try (DockerSandbox sandbox = DockerSandbox.open(settings(false));
        DockerEngine engine = DockerEngine.connect(System.getenv("DOCKER_HOST"))) {
      SandboxProcess process = initialized(sandbox.start(spec(1, Bench.LIMITS))).process();
      String id = ((DockerWorker) process).container();
      assertThat(engine.post("/containers/" + id + "/kill", null).ok()).isTrue();
      assertThat(process.exited().get(60, TimeUnit.SECONDS)).isEqualTo(new SandboxExit.Killed(9));
      ((DockerWorker) process).removed().get(60, TimeUnit.SECONDS);
      try (Probe next = initialized(sandbox.start(spec(2, Bench.LIMITS)))) {
        assertThat(next.process().pid()).isNotEqualTo(process.pid());
      }
    }
    assertThat(ours()).isEmpty();
  }

  static boolean root() {
    return Bench.isRoot();
  }

  /** Of a plugin of its own. */
  private SandboxSpec another(int slot) {
    return SandboxSpec.of(
        new PluginId("plugin_d" + ProcessHandle.current().pid() + "x" + slot),
        1,
        workspace,
        null,
        folder.resolve("data/volumes/d" + slot),
        SLOT + slot,
        Bench.LIMITS);
  }

  private static void end(long pid) throws Exception {
    ProcessHandle process = ProcessHandle.of(pid).orElseThrow();
    process.destroyForcibly();
    process.onExit().get(10, TimeUnit.SECONDS);
  }

  @Test
  @EnabledIf(value = "root", disabledReason = "only root mounts folders into running containers")
  void a_mount_helper_that_died_is_started_again_by_the_next_start() throws Exception {
    Path python = PythonInterpreter.find().executable();
    Path helper = folder.resolve("python");
    Files.writeString(helper, "#!/bin/sh\nexec " + python + " \"$@\"\n");
    Files.setPosixFilePermissions(helper, PosixFilePermissions.fromString("rwx------"));
    DockerSandboxSettings settings =
        DockerSandboxSettings.of(folder.resolve("data"), helper)
            .withImage(SeccompProfileTest.IMAGE, false);
    try (DockerSandbox sandbox = DockerSandbox.open(settings)) {
      Probe first = initialized(sandbox.start(spec(1, Bench.LIMITS)));
      long before = sandbox.helperPid();
      end(before);
      initialized(sandbox.start(another(2))).close();
      assertThat(sandbox.helperPid()).isNotEqualTo(before);
      assertThat(first.process().exited()).as("the end of one that runs").isNotDone();
      first.close();

      Path away = Files.move(helper, folder.resolve("away"));
      end(sandbox.helperPid());
      assertThatThrownBy(() -> sandbox.start(another(3)))
          .isInstanceOfSatisfying(
              PluginException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE))
          .hasMessageContaining("the helper does not start again")
          .hasMessageContaining(helper.toString())
          .hasMessageContaining("berth doctor");
      Files.move(away, helper);
      initialized(sandbox.start(another(4))).close();
    }
  }

  private List<String> ours() throws IOException {
    String installation = Files.readString(folder.resolve("data/run/installation")).strip();
    String filter = "{\"label\":[\"dev.berth.installation=" + installation + "\"]}";
    List<String> found = new ArrayList<>();
    try (DockerEngine engine = DockerEngine.connect(System.getenv("DOCKER_HOST"))) {
      engine
          .get("/containers/json?all=1&filters=" + DockerEngine.encoded(filter))
          .body()
          .forEach(row -> found.add(row.path("Names").toString()));
    }
    return found;
  }

  @Test
  @DisplayName("MAN-10 a plugin's own image, by name or Dockerfile, only where the operator allows")
  void man10() throws Exception {
    Files.writeString(
        workspace.resolve("Dockerfile"),
        "FROM "
            + SeccompProfileTest.IMAGE
            + "\nRUN [\"/usr/bin/python3\", \"-c\", \""
            + LOOK
            + "\"]\n");
    try (DockerSandbox sandbox = DockerSandbox.open(settings(false))) {
      assertThatThrownBy(() -> sandbox.start(spec(1, Bench.LIMITS).withImage("attacker/x:1")))
          .isInstanceOfSatisfying(
              PluginException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.IMAGE_NOT_ALLOWED);
                assertThat(e).hasMessageContaining("--docker-plugin-images");
              });
      try (Probe worker = initialized(sandbox.start(spec(1, Bench.LIMITS)))) {
        assertThat(Files.exists(Path.of("/proc/" + worker.process().pid() + "/root/built")))
            .as("the Dockerfile is ignored")
            .isFalse();
      }
    }
    try (DockerSandbox sandbox = DockerSandbox.open(settings(true))) {
      SandboxProcess process = initialized(sandbox.start(spec(2, Bench.LIMITS))).process();
      Path built = Path.of("/proc/" + process.pid() + "/root/built");
      if (Bench.isRoot()) {
        assertThat(built).content().as("networks that the build saw").isEqualTo("['lo']");
      }
      String image = inspect(process).path("Image").asString();
      process.kill();
      process.exited().join();
      try (DockerEngine engine = DockerEngine.connect(System.getenv("DOCKER_HOST"))) {
        ((DockerWorker) process).removed().get(60, TimeUnit.SECONDS);
        assertThat(engine.delete("/images/" + image + "?force=1").ok()).isTrue();
      }
    }
  }

  private static final String LOOK =
      "import os; open('/built', 'w').write(str(os.listdir('/sys/class/net')))";

  @Test
  void a_dockerfile_that_fails_shows_its_output_and_add_is_refused() throws Exception {
    try (DockerSandbox sandbox = DockerSandbox.open(settings(true))) {
      Files.writeString(
          workspace.resolve("Dockerfile"),
          "FROM "
              + SeccompProfileTest.IMAGE
              + "\nRUN [\"/usr/bin/python3\", \"-c\", \"print('last words'); raise SystemExit(3)\"]\n");
      assertThatThrownBy(() -> sandbox.start(spec(1, Bench.LIMITS)))
          .isInstanceOfSatisfying(
              PluginException.class,
              e -> {
                assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
                assertThat(e)
                    .hasMessageContaining("returned a non-zero code: 3")
                    .hasMessageContaining("last words");
              });
      Files.writeString(
          workspace.resolve("Dockerfile"),
          "FROM " + SeccompProfileTest.IMAGE + "\nA\\\nDD http://127.0.0.1:9/x /x\n");
      assertThatThrownBy(() -> sandbox.start(spec(1, Bench.LIMITS)))
          .hasMessageContaining("has ADD, which could fetch from anywhere; use COPY");
    }
  }

  @Test
  void which_dockerfiles_are_refused() {
    assertThat(PluginBuild.refuses("FROM x\nCOPY . /a\nRUN echo ADD\n# ADD x\n")).isFalse();
    for (String bad :
        List.of(
            "FROM x\nadd http://a /b",
            "FROM x\n  ADD a b",
            "FROM x\nONBUILD ADD a b",
            "FROM x\nAD\\\nD a b",
            "# escape=`\nFROM x\nA`\r\nDD a b")) {
      assertThat(PluginBuild.refuses(bad)).as(bad).isTrue();
    }
  }

  @Test
  void an_image_that_is_nowhere_and_one_without_python_are_refused() throws Exception {
    // A registry where nobody listens, so that nothing is asked of another machine.
    assertRefused("127.0.0.1:9/none:1", "can't pull it");
    Path empty = folder.resolve("empty.tar");
    Files.write(empty, new byte[1024]); // an archive of nothing
    String name = "berth-test-empty:" + ProcessHandle.current().pid();
    var made =
        new ProcessBuilder("docker", "import", empty.toString(), name)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(made.waitFor()).isZero();
    try {
      assertRefused(name, "its python3 doesn't start");
    } finally {
      try (DockerEngine engine = DockerEngine.connect(System.getenv("DOCKER_HOST"))) {
        assertThat(engine.delete("/images/" + name + "?force=1").ok()).isTrue();
      }
    }
  }

  private void assertRefused(String image, String why) {
    assertThatThrownBy(() -> DockerSandbox.open(settings(false).withImage(image, false)))
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
              assertThat(e).hasMessageContaining(image).hasMessageContaining(why);
            });
  }
}
