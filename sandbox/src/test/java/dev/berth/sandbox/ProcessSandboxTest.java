package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/** Starting, ending and counting, on the real thing. */
@Timeout(120)
@ParameterizedClass
@EnumSource(ProcessMode.class)
final class ProcessSandboxTest {
  @Parameter ProcessMode mode;
  @TempDir static Path folders;
  private static Path folder;
  private static Bench bench;

  @BeforeParameterizedClassInvocation
  static void open(ProcessMode mode) {
    folder = folders.resolve(mode.word());
    bench = Bench.open(folder, mode);
  }

  @AfterParameterizedClassInvocation
  static void close() {
    bench.close();
  }

  @Test
  void aWorkerSeesItsFoldersAndRunsChildren() throws IOException {
    try (Probe probe = bench.start(1)) {
      assertThat(probe.run("out = open('/workspace/main.py').read()").asString())
          .isEqualTo("VALUE = 1\n");
      probe.run("open('/data/kept', 'w').write('x')");
      assertThat(
              probe
                  .run(
                      "import subprocess, sys",
                      "out = subprocess.run([sys.executable, '-c', 'import main; print(main.VALUE)'],"
                          + " capture_output=True, text=True, check=True).stdout")
                  .asString())
          .isEqualTo("1\n");
      assertThat(probe.run("import asyncio, ssl, sqlite3; out = 1").asInt()).isEqualTo(1);
    }
    try (Probe again = bench.start(1)) {
      assertThat(again.run("import os; out = os.listdir('/data')").path(0).asString())
          .isEqualTo("kept");
    }
  }

  @Test
  void theDiskItSpeaksOfIsTheDatas() throws IOException {
    long free = Files.getFileStore(bench.data()).getUsableSpace() >> 20;
    String said =
        bench.sandbox().isolation().findings().stream()
            .filter(finding -> finding.name().equals("disk"))
            .findFirst()
            .orElseThrow()
            .what();
    assertThat(Long.parseLong(said.replaceAll(" .*", ""))).isBetween(free * 9 / 10, free * 11 / 10);
  }

  @Test
  void exitStatusSignalAndKillAreTold() throws IOException {
    Probe one = bench.start(2);
    one.send("raise SystemExit(7)");
    assertThat(one.process().exited().join()).isEqualTo(new SandboxExit.Exited(7));
    one.close();

    Probe two = bench.start(2);
    two.send("import ctypes; ctypes.string_at(0)");
    assertThat(two.process().exited().join()).isEqualTo(new SandboxExit.Killed(11));
    two.close();

    Probe three = bench.start(2);
    three.process().kill();
    assertThat(three.process().exited().join()).isEqualTo(new SandboxExit.Killed(9));
    assertThat(Files.exists(Path.of("/proc/" + three.process().pid()))).isFalse();
    three.close();
  }

  @Test
  void whatIsPrintedComesOutOfTheOutputSocket() throws IOException {
    try (Probe probe = bench.start(3)) {
      probe.run("import os; os.write(1, b'one\\n'); os.write(2, b'two\\n')");
      ByteBuffer read = ByteBuffer.allocate(8);
      while (read.hasRemaining()) {
        assertThat(probe.process().output().read(read)).isPositive();
      }
      assertThat(new String(read.array(), StandardCharsets.UTF_8)).isEqualTo("one\ntwo\n");
    }
  }

  @Test
  void aFolderThatIsNotThereFailsTheStartByName() throws IOException {
    SandboxSpec good = bench.spec(4, Bench.LIMITS);
    SandboxSpec bad =
        SandboxSpec.of(
            new PluginId("plugin_4"),
            1,
            folder.resolve("missing"),
            null,
            good.dataDir(),
            4,
            Bench.LIMITS);
    assertThatThrownBy(() -> bench.sandbox().start(bad))
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
              assertThat(e)
                  .hasMessage(
                      "The sandbox of plugin plugin_4 did not start: could not open the package"
                          + " folder %s: [Errno 2] No such file or directory: '%s'. That is this"
                          + " machine's trouble, not the plugin's: see `berth doctor` and the"
                          + " kernel's log (dmesg).",
                      folder.resolve("missing"), folder.resolve("missing"));
            });
  }

  @Test
  void an_image_that_can_not_be_mounted_is_the_hosts_trouble_and_a_damaged_one_the_plugins()
      throws Exception {
    assumeTrue(
        bench.sandbox().isolation().enforced().contains("data_size_limit"),
        "/data has no size limit here (run the tests as root, with mkfs.ext4)");
    SandboxSpec spec = bench.spec(9, Bench.LIMITS);
    Path image =
        VolumeImages.find()
            .prepare(spec.plugin(), spec.dataDir(), spec.dataBytes(), 200_000 + spec.slot());
    Process other =
        new ProcessBuilder("flock", image.toString(), "sh", "-c", "echo locked; read _").start();
    assertThat(other.inputReader().readLine()).isEqualTo("locked");
    PluginException inUse = refused(spec);
    assertThat(inUse.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
    assertThat(inUse).hasMessageContaining("is mounted still").hasMessageContaining("doctor");
    other.getOutputStream().close();
    other.waitFor();
    new Probe(bench.sandbox().start(spec)).close();

    SandboxSpec broken = bench.spec(10, Bench.LIMITS);
    Path damaged =
        VolumeImages.find()
            .prepare(broken.plugin(), broken.dataDir(), broken.dataBytes(), 200_000 + 10);
    try (var file = new RandomAccessFile(damaged.toFile(), "rw")) {
      file.write(new byte[64 << 10]);
    }
    PluginException own = refused(broken);
    assertThat(own.code()).isEqualTo(ErrorCode.PLUGIN_START_FAILED);
    assertThat(own).hasMessageContaining("e2fsck " + damaged);
  }

  private static PluginException refused(SandboxSpec spec) {
    return catchThrowableOfType(PluginException.class, () -> bench.sandbox().start(spec));
  }

  @Test
  void aLinkInTheDataFoldersPlaceIsNotFollowed() throws IOException {
    SandboxSpec spec = bench.spec(6, Bench.LIMITS);
    Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
    Files.createDirectories(spec.dataDir().getParent());
    Files.createSymbolicLink(spec.dataDir(), elsewhere);
    assertThatThrownBy(() -> bench.sandbox().start(spec))
        .hasMessageContaining(spec.dataDir().toString())
        .hasMessageContaining("Not a directory");
    assertThat(elsewhere).isEmptyDirectory();
    assertThat(Files.getOwner(elsewhere)).isEqualTo(Files.getOwner(folder));
  }

  @Test
  void sharedMemoryAndLocksOfMultiprocessingWork() throws IOException {
    try (Probe probe = bench.start(7)) {
      assertThat(
              probe
                  .run(
                      "import multiprocessing, multiprocessing.shared_memory as sm, sqlite3",
                      "lock = multiprocessing.get_context('fork').Lock()",
                      "with lock: memory = sm.SharedMemory(create=True, size=4096)",
                      "memory.buf[0] = 7",
                      "out = memory.buf[0]",
                      "memory.close(); memory.unlink()",
                      "db = sqlite3.connect('/data/x.db'); db.execute('create table t (x)')",
                      "db.commit(); db.close()")
                  .asInt())
          .isEqualTo(7);
    }
  }

  @Test
  void usageIsCounted() throws IOException {
    assumeTrue(
        bench.sandbox().isolation().enforced().contains("memory_limit"),
        "this host has no control groups for us (run the tests as root)");
    try (Probe probe = bench.start(8)) {
      ResourceUsage before = probe.process().usage();
      assertThat(before.pids()).isEqualTo(1);
      probe.run(
          "x = b'x' * (40 << 20); import time",
          "end = time.process_time() + 0.1",
          "while time.process_time() < end: pass");
      ResourceUsage after = probe.process().usage();
      // The kernel counts in batches, so not to the byte.
      assertThat(after.memoryBytes() - before.memoryBytes()).isGreaterThan(35L << 20);
      assertThat(after.cpuNanos() - before.cpuNanos()).isGreaterThan(90_000_000);
      probe.process().kill();
      probe.process().exited().join();
      assertThat(probe.process().usage()).isEqualTo(ResourceUsage.NONE);
    }
  }

  @Test
  void aSecondHostOnTheSameFolderIsRefused() {
    assertThatThrownBy(() -> Bench.open(folder))
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE))
        .hasMessageContaining("Another Berth uses");
  }

  @Test
  void theZygotesDeathIsTheLaunchers() throws Exception {
    Probe before = bench.start(5);
    long launcher = bench.sandbox().launcherPid();
    long zygote =
        HostView.descendants(launcher).stream()
            .filter(p -> HostView.status(Path.of("/proc/" + p)).get("Name").equals("berth-zygote"))
            .filter(p -> HostView.status(Path.of("/proc/" + p)).get("PPid").equals("" + launcher))
            .findFirst()
            .orElseThrow();
    ProcessHandle.of(zygote).orElseThrow().destroyForcibly();
    assertThat(before.process().exited().get(10, TimeUnit.SECONDS))
        .isEqualTo(new SandboxExit.Killed(9));
    before.close();
    try (Probe after = bench.start(5)) {
      assertThat(after.run("out = 2").asInt()).isEqualTo(2);
    }
  }

  @Test
  @DisplayName("INV-TENANT a worker's memory holds nothing of another plugin")
  void memoryHoldsNothingOfOthers() throws IOException {
    String scan =
        """
        import ctypes, re
        found = set()
        for line in open('/proc/self/maps').readlines():
            area, mode = line.split()[:2]
            if mode.startswith('rw'):
                start, end = (int(x, 16) for x in area.split('-'))
                memory = ctypes.string_at(start, end - start)
                found |= set(re.findall(rb'plugin_[0-9]+|plugins/[0-9]+', memory))
        out = sorted(f.decode() for f in found)
        """;
    try (Probe first = bench.start(101);
        Probe second = bench.start(102)) {
      bench.start(103).close();
      bench.start(104).close();
      try (Probe last = bench.start(105)) {
        for (Probe probe : java.util.List.of(first, second, last)) {
          String own = probe.run("import sys; out = open('/proc/self/cmdline').read()").asString();
          assertThat(probe.run(scan).valueStream())
              .extracting(JsonNode::asString)
              .isNotEmpty()
              .allMatch(own::contains);
        }
      }
    }
  }

  @Test
  void afterTheLaunchersDeathWorkersEndAndAnotherTakesOver() throws Exception {
    Probe before = bench.start(5);
    long launcher = bench.sandbox().launcherPid();
    ProcessHandle.of(launcher).orElseThrow().destroyForcibly();
    assertThat(before.process().exited().get(10, TimeUnit.SECONDS))
        .isEqualTo(new SandboxExit.Killed(9));
    before.close();
    try (Probe after = bench.start(5)) {
      assertThat(after.run("out = 2").asInt()).isEqualTo(2);
      assertThat(bench.sandbox().launcherPid()).isNotEqualTo(launcher);
    }
  }

  @Test
  void theRealWorkerRunsAPlugin(@TempDir Path other) throws IOException {
    ProcessSandboxSettings settings =
        ProcessSandboxSettings.of(other).withAllowWeak(!Bench.isRoot()).withMode(mode);
    Path plugin = Files.createDirectories(other.resolve("packages/echo"));
    Files.writeString(
        plugin.resolve("main.py"),
        """
        class Echo:
            def __init__(self, config): self.greeting = config["greeting"]
            async def initialize(self): return True
            async def execute(self, context): return self.greeting + context["name"]
            async def cleanup(self): pass
        """);
    try (ProcessSandbox sandbox = ProcessSandbox.open(settings)) {
      Probe worker =
          new Probe(
              sandbox.start(
                  SandboxSpec.of(
                      new PluginId("plugin_e"),
                      1,
                      plugin,
                      null,
                      other.resolve("data"),
                      1,
                      Bench.LIMITS)));
      worker.send(
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocol\":1,"
              + "\"plugin\":{\"id\":\"plugin_e\",\"name\":\"echo\",\"version\":\"1.0.0\"},"
              + "\"entry\":{\"main\":\"main.py\",\"class\":\"Echo\"},\"paths\":[\"/workspace\"],"
              + "\"limits\":{\"max_context_bytes\":1048576,\"max_result_bytes\":1048576},\"config\":{\"greeting\":\"hi \"}}}");
      JsonNode ready = worker.receive();
      assertThat(ready.path("result").path("protocol").asInt()).as(ready.toString()).isEqualTo(1);
      worker.send(
          "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"execute\",\"params\":{\"context\":{\"name\":\"you\"}}}");
      assertThat(worker.receive().path("result").path("value").asString()).isEqualTo("hi you");
      worker.send("{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"shutdown\"}");
      assertThat(worker.receive().path("id").asInt()).isEqualTo(3);
      assertThat(worker.process().exited().join()).isEqualTo(new SandboxExit.Exited(0));
      worker.close();
    }
  }

  @Test
  void onlyInExecModeWorkersDifferInLayoutAndHashSeed() throws IOException {
    String look = "out = [hash('berth'), id(object)]";
    try (Probe one = bench.start(11);
        Probe two = bench.start(12)) {
      JsonNode first = one.run(look);
      JsonNode second = two.run(look);
      boolean exec = mode == ProcessMode.EXEC;
      assertThat(first.path(0).equals(second.path(0))).isEqualTo(!exec);
      assertThat(first.path(1).equals(second.path(1))).isEqualTo(!exec);
      assertThat(bench.sandbox().isolation().enforced().contains("own_address_layout"))
          .isEqualTo(exec);
    }
  }
}
