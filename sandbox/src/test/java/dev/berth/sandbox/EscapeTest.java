package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Attempts to get out of a sandbox, each run in a real one. */
@Timeout(120)
@ParameterizedClass
@EnumSource(ProcessMode.class)
final class EscapeTest {
  @Parameter ProcessMode mode;
  @TempDir static Path folders;
  private static Path folder;
  private static Bench bench;
  private static Probe probe;

  @BeforeParameterizedClassInvocation
  static void open(ProcessMode mode) throws IOException {
    folder = folders.resolve(mode.word());
    bench = Bench.open(folder, mode);
    probe = bench.start(1);
  }

  @AfterParameterizedClassInvocation
  static void close() {
    probe.close();
    bench.close();
  }

  @Test
  @DisplayName("ESC-01 the host's files and other plugins' are not there")
  void esc01() throws IOException {
    try (Probe other = bench.start(2)) {
      other.run("open('/data/secret', 'w').write('x')");
      for (String path :
          List.of(
              "/etc/shadow",
              "/etc/hostname",
              "/home",
              "/var",
              "/sys",
              "/proc/1/root/etc/shadow",
              folder.toString(),
              bench.data().resolve("plugins/2/data/secret").toString(),
              "/proc/self/root" + bench.data().resolve("plugins/2/data/secret"))) {
        assertThat(probe.errnoOf("import os; os.stat('" + path + "')"))
            .as(path)
            .isEqualTo("ENOENT");
      }
      assertThat(probe.run("import os; out = sorted(os.listdir('/'))").valueStream())
          .extracting(JsonNode::asString)
          .contains("data", "dev", "etc", "proc", "runtime", "site", "tmp", "workspace")
          .doesNotContain("home", "var", "sys", "boot", "srv");
      assertThat(probe.run("import os; out = sorted(os.listdir('/dev'))").valueStream())
          .extracting(JsonNode::asString)
          .containsExactly(
              "fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom",
              "zero");
    }
  }

  @Test
  @DisplayName("ESC-01 nothing but /data and /tmp can be written")
  void esc01ReadOnly() {
    assertThat(
            probe
                .run(
                    "import os",
                    "out = []",
                    "for top, folders, files in os.walk('/'):",
                    "    if top.startswith(('/proc', '/data', '/tmp')):",
                    "        continue",
                    "    try:",
                    "        open(top + '/.new', 'w')",
                    "        out.append(top)",
                    "    except OSError:",
                    "        pass",
                    "    for name in files:",
                    "        path = top + '/' + name",
                    "        if top == '/dev': continue",
                    "        try:",
                    "            open(path, 'r+b')",
                    "            out.append(path)",
                    "        except OSError:",
                    "            pass")
                .size())
        .isZero();
  }

  @Test
  @DisplayName("ESC-02 /proc shows the plugin's own processes only")
  void esc02() throws IOException {
    try (Probe other = bench.start(2)) {
      assertThat(other.run("out = 1").asInt()).isEqualTo(1);
      JsonNode pids = probe.run("import os; out = sorted(p for p in os.listdir('/proc'))");
      assertThat(pids.valueStream())
          .extracting(JsonNode::asString)
          .allMatch(p -> p.equals("self") || p.equals("thread-self") || p.matches("[12]"));
      assertThat(probe.run("out = open('/proc/self/cmdline').read().strip('\\0')").asString())
          .isEqualTo("berth-worker plugin_1");
    }
  }

  @Test
  @DisplayName("ESC-03 no environment but the allowed one can be read")
  void esc03() {
    assertThat(
            probe
                .run(
                    "out = ''",
                    "for pid in ('1', 'self'):",
                    "    try:",
                    "        out += open(f'/proc/{pid}/environ').read()",
                    "    except OSError:",
                    "        pass")
                .asString())
        .isEmpty();
    assertThat(probe.run("import os; out = sorted(os.environ)").valueStream())
        .extracting(JsonNode::asString)
        .containsExactly("HOME", "LANG", "PATH", "PYTHONPATH", "TMPDIR");
  }

  @Test
  @DisplayName("ESC-05 neither an engine's socket nor the host's own can be reached")
  void esc05() {
    for (String path : List.of("/var/run/docker.sock", "/run/docker.sock", folder + "/run")) {
      assertThat(
              probe.errnoOf("import socket; socket.socket(socket.AF_UNIX).connect('" + path + "')"))
          .isEqualTo("ENOENT");
    }
    assertThat(
            probe.errnoOf(
                "import socket; socket.create_connection(('172.17.0.1', 2375), timeout=2)"))
        .isEqualTo("ENETUNREACH");
  }

  @Test
  @DisplayName("ESC-06 no other namespaces")
  void esc06() {
    assertThat(probe.errnoOfCall("unshare", "0x10000000")).isEqualTo("EPERM");
    assertThat(probe.errnoOfCall("unshare", "0x00020000")).isEqualTo("EPERM");
    assertThat(probe.errnoOfCall("clone", "0x10000011", "0", "0", "0", "0")).isEqualTo("EPERM");
    assertThat(probe.errnoOfCall("clone3", "b'\\x00' * 88", "88")).isEqualTo("ENOSYS");
    assertThat(probe.errnoOfCall("setns", "0", "0")).isEqualTo("EPERM");
  }

  @Test
  @DisplayName("ESC-07 no io_uring")
  void esc07() {
    assertThat(probe.errnoOfCall("io_uring_setup", "1", "b'\\x00' * 120")).isEqualTo("ENOSYS");
    assertThat(probe.errnoOfCall("io_uring_enter", "0", "0", "0", "0")).isEqualTo("ENOSYS");
    assertThat(probe.errnoOfCall("io_uring_register", "0", "0", "0", "0")).isEqualTo("ENOSYS");
  }

  @Test
  @DisplayName("ESC-08 no exotic sockets")
  void esc08() {
    for (int family : List.of(16, 17, 38, 40, 15, 44)) { // NETLINK, PACKET, ALG, VSOCK, KEY, XDP
      assertThat(probe.errnoOf("import socket; socket.socket(" + family + ", 2)"))
          .as("family %s", family)
          .isEqualTo("EAFNOSUPPORT");
    }
    assertThat(probe.errnoOf("import socket; socket.socket(2, 3, 1)")).isEqualTo("EPERM");
    assertThat(probe.errnoOf("import socket; socket.socket(2, 5, 0)")).isEqualTo("EPERM");
    assertThat(probe.errnoOf("import socket; socket.socket(2, 1, 132)"))
        .isEqualTo("EPROTONOSUPPORT");
    assertThat(probe.errnoOf("import socket; socket.socket(2, 2, 1)")).isEqualTo("EPROTONOSUPPORT");
    assertThat(probe.errnoOf("import socket; socket.socket(1, 1); socket.socket(10, 2)"))
        .isEqualTo("no error");
  }

  @Test
  @DisplayName("ESC-10 ESC-11 no debugging, no key rings, nothing of the list of refused calls")
  void esc10() throws IOException {
    probe.run(
        "import json",
        "exec(" + json(Policy.resource("/probe/refusals.py")) + ", globals())",
        "policy = json.load(open('/runtime/berth_runtime/seccomp.json'))");
    JsonNode refused = probe.run("out = refused(policy)");
    for (JsonNode attempt : refused) {
      assertThat(attempt.path(2).asString())
          .as(attempt.path(0).asString())
          .isEqualTo(attempt.path(1).asString());
    }
    assertThat(refused.size()).isGreaterThan(150);
    JsonNode works = probe.run("out = works()");
    works.forEachEntry((what, how) -> assertThat(how.asString()).as(what).isEqualTo("yes"));
    assertThat(works.size()).isGreaterThan(7);
  }

  @Test
  @EnabledOnOs(architectures = "amd64")
  @DisplayName("ESC-12 32-bit and x32 calls kill")
  void esc12() throws IOException {
    for (String machineCode : Policy.FOREIGN_CALLS) {
      try (Probe foreign = bench.start(3)) {
        foreign.send(Policy.execute(machineCode));
        assertThat(foreign.process().exited().join()).isEqualTo(new SandboxExit.Killed(31));
      }
    }
  }

  @Test
  @DisplayName("ESC-13 no kernel settings")
  void esc13() {
    for (String path :
        List.of(
            "/proc/sys/kernel/core_pattern",
            "/proc/sysrq-trigger",
            "/sys/kernel/uevent_helper",
            "/sys/fs/cgroup/release_agent")) {
      assertThat(probe.errnoOf("open('" + path + "', 'w')"))
          .as(path)
          .isIn("ENOENT", "EROFS", "EACCES");
    }
    assertThat(probe.errnoOf("open('/proc/self/oom_score_adj', 'w').write('-1000')"))
        .isIn("EACCES", "EPERM");
  }

  @Test
  @DisplayName("ESC-15 no typing into a terminal")
  void esc15() {
    assertThat(probe.errnoOf("open('/dev/tty')")).isEqualTo("ENOENT");
    assertThat(probe.errnoOf("import os; os.openpty()")).isEqualTo("ENOENT");
    assertThat(
            probe
                .run("out = int(open('/proc/self/stat').read().rpartition(')')[2].split()[4])")
                .asInt())
        .as("controlling terminal")
        .isZero();
    assertThat(probe.errnoOf("import fcntl; fcntl.ioctl(0, 0x5412, b'x')")).isEqualTo("EPERM");
    assertThat(probe.errnoOf("import fcntl; fcntl.ioctl(0, 0x541c, b'x')")).isEqualTo("EPERM");
  }

  @Test
  @DisplayName("ESC-17 no core dumps")
  void esc17() {
    assertThat(
            probe
                .run(
                    "import os, signal, subprocess, sys",
                    "for how in ('os.abort()', 'os.kill(os.getpid(), 3)'):",
                    "    died = subprocess.run([sys.executable, '-c', 'import os; ' + how], cwd='/data')",
                    "    assert died.returncode in (-6, -3), died",
                    "out = [f for f in os.listdir('/data') + os.listdir('/tmp') if 'core' in f]")
                .size())
        .isZero();
    assertThat(probe.run("import resource; out = resource.getrlimit(4)[1]").asInt()).isLessThan(2);
  }

  @Test
  @DisplayName("NET-01 no network")
  void net01() {
    for (String attempt :
        List.of(
            "socket.create_connection(('192.0.2.1', 80), timeout=2)",
            "socket.socket(2, 2).sendto(b'x', ('192.0.2.1', 53))",
            "socket.create_connection(('2001:db8::1', 80), timeout=2)",
            "socket.socket(10, 2).sendto(b'x', ('2001:db8::1', 53))",
            "socket.create_connection(('169.254.169.254', 80), timeout=2)")) {
      assertThat(probe.errnoOf("import socket; " + attempt)).as(attempt).isEqualTo("ENETUNREACH");
    }
    assertThat(
            probe
                .attempt("import socket; socket.getaddrinfo('example.com', 80)")
                .path("error")
                .asString())
        .isEqualTo("gaierror");
    assertThat(
            probe
                .run("out = [l.split(':')[0].strip() for l in open('/proc/self/net/dev')][2:]")
                .valueStream())
        .extracting(JsonNode::asString)
        .allMatch(name -> name.equals("lo") || probeInterfaceIsDown(name));
  }

  /** Kernels with tunnel modules loaded put inert devices such as sit0 into every namespace. */
  private static boolean probeInterfaceIsDown(String name) {
    return probe
            .run(
                "import socket, fcntl, struct",
                "r = fcntl.ioctl(socket.socket(2, 2), 0x8913, struct.pack('16sh14x', b'"
                    + name
                    + "', 0))",
                "out = struct.unpack('16sh14x', r)[1] & 1")
            .asInt()
        == 0;
  }

  @Test
  @DisplayName("what is written to /tmp and /data can't be run")
  void noexec() {
    for (String place : List.of("/tmp", "/data")) {
      assertThat(
              probe.errnoOf(
                  "import os, shutil, subprocess, sys; shutil.copy(sys.executable, '"
                      + place
                      + "/x'); os.chmod('"
                      + place
                      + "/x', 0o755); subprocess.run(['"
                      + place
                      + "/x', '-V'])"))
          .isEqualTo("EACCES");
    }
  }

  private static String json(String text) {
    return JsonMapper.builder().build().writeValueAsString(text);
  }
}
