package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.api.ResourceLimits;
import dev.berth.api.SandboxExit;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Attempts to use more than a sandbox may, each run in a real one. */
@Timeout(120)
final class ExhaustionTest {
  private static final SandboxExit OUT_OF_MEMORY = new SandboxExit.OutOfMemory(128L << 20);

  // Looked for by uid, machine-wide: a slot that nothing else has.
  private static final int SLOT = 40_011;

  @TempDir static Path folder;
  private static Bench bench;

  @BeforeAll
  static void open() {
    bench = Bench.open(folder);
  }

  @AfterAll
  static void close() {
    bench.close();
  }

  private static void needs(String protection) {
    assumeTrue(
        bench.sandbox().isolation().enforced().contains(protection),
        () -> "this host has no " + protection + " (run the tests as root)");
  }

  /** A sandbox waits with the usual limit, of which nothing may be left then. */
  @Test
  void a_limit_above_the_usual_one_holds_too() throws IOException {
    needs("memory_limit");
    try (Probe probe = bench.start(SLOT, new ResourceLimits(640, 1024, 30))) {
      assertThat(probe.run("kept = bytearray(560 << 20)", "out = len(kept)").asInt())
          .isEqualTo(560 << 20);
      probe.send("more = bytearray(160 << 20)");
      assertThat(probe.process().exited().join())
          .isEqualTo(new SandboxExit.OutOfMemory(640L << 20));
    }
  }

  @Test
  @DisplayName("RUN-01 a fork bomb meets the process limit")
  void run01() throws IOException {
    needs("process_limit");
    try (Probe probe = bench.start(SLOT)) {
      int born =
          probe
              .run(
                  "import errno, os, time",
                  "out = 0",
                  "while True:",
                  "    try:",
                  "        if os.fork() == 0:",
                  "            time.sleep(600)",
                  "            os._exit(0)",
                  "        out += 1",
                  "    except OSError as e:",
                  "        assert e.errno == errno.EAGAIN, e",
                  "        break")
              .asInt();
      assertThat(born).isBetween(100, 127);
      assertThat(probe.process().usage().pids()).isEqualTo(128);
    }
    if (Bench.isRoot()) {
      assertThat(HostView.processesOf(200_000 + SLOT)).isEmpty();
    }
  }

  @Test
  @DisplayName("RUN-02 too much memory at once is killed and told as such")
  void run02() throws IOException {
    needs("memory_limit");
    try (Probe probe = bench.start(2)) {
      probe.send("x = b'x' * (1 << 30)");
      assertThat(probe.process().exited().join()).isEqualTo(OUT_OF_MEMORY);
    }
  }

  @Test
  @DisplayName("RUN-03 memory of children, memfd and /tmp all count")
  void run03() throws IOException {
    needs("memory_limit");
    try (Probe probe = bench.start(3)) {
      probe.send(
          "import os",
          "f = os.memfd_create('x')",
          "for _ in range(256): os.write(f, b'x' * (1 << 20))");
      assertThat(probe.process().exited().join()).isEqualTo(OUT_OF_MEMORY);
    }
    try (Probe probe = bench.start(3)) {
      probe.send(
          "import os",
          "f = open('/tmp/x', 'wb')",
          "for _ in range(60): f.write(b'x' * (1 << 20))",
          "x = b'y' * (100 << 20)");
      assertThat(probe.process().exited().join()).isEqualTo(OUT_OF_MEMORY);
    }
    try (Probe probe = bench.start(3)) {
      probe.send(
          "import os, time",
          "for _ in range(4):",
          "    if os.fork() == 0:",
          "        x = b'x' * (60 << 20)",
          "        time.sleep(600)",
          "out = [os.wait()[1] & 127]");
      // The kernel takes the largest process of the group, a child or the worker itself.
      probe.send("import os; os.kill(os.getpid(), 9)");
      assertThat(probe.process().exited().join()).isEqualTo(OUT_OF_MEMORY);
    }
  }

  @Test
  @DisplayName("RUN-05 descriptors end at the limit")
  void run05() throws IOException {
    try (Probe probe = bench.start(5)) {
      int opened =
          probe
              .run(
                  "import errno",
                  "files = []",
                  "try:",
                  "    while True: files.append(open('/dev/null'))",
                  "except OSError as e:",
                  "    assert e.errno == errno.EMFILE, e",
                  "out = len(files)",
                  "files.clear()")
              .asInt();
      assertThat(opened).isLessThan(1024);
      assertThat(
              probe
                  .attempt("import resource; resource.setrlimit(7, (4096, 4096))")
                  .path("error")
                  .asString())
          .isEqualTo("ValueError");
    }
  }

  @Test
  @DisplayName("RUN-06 /tmp fills up by bytes and by files; no file grows past 1 GiB")
  void run06() throws IOException {
    try (Probe probe = bench.start(6)) {
      assertThat(
              probe.errnoOf(
                  "import shutil; f = open('/tmp/big', 'wb', 0); [f.write(b'x' * (1 << 20)) for _ in"
                      + " range(65)]"))
          .isEqualTo("ENOSPC");
      probe.run("import os; f.close(); os.unlink('/tmp/big')");
      assertThat(probe.errnoOf("[open(f'/tmp/{n}', 'w').close() for n in range(1000000)]"))
          .isEqualTo("ENOSPC");
      assertThat(probe.errnoOf("open('/data/sparse', 'wb').truncate(1 << 50)")).isEqualTo("EFBIG");
    }
  }

  @Test
  @DisplayName("RUN-10 a worker that ignores signals is killed")
  void run10() throws Exception {
    try (Probe probe = bench.start(10)) {
      probe.send(
          "import signal, time",
          "for s in (1, 2, 15): signal.signal(s, signal.SIG_IGN)",
          "while True:",
          "    try: time.sleep(600)",
          "    except BaseException: pass");
      probe.process().kill();
      assertThat(probe.process().exited().get(10, TimeUnit.SECONDS))
          .isEqualTo(new SandboxExit.Killed(9));
    }
  }

  @Test
  @DisplayName("RUN-11 daemons die with their plugin, orphans are reaped meanwhile")
  void run11() throws Exception {
    try (Probe probe = bench.start(SLOT)) {
      probe.run(
          "import os, time",
          "for _ in range(5):",
          "    if os.fork() == 0:",
          "        os.setsid()",
          "        if os.fork() == 0:",
          "            time.sleep(600)",
          "        os._exit(0)",
          "for _ in range(5): os.wait()");
      // Twenty more whose parent goes before them, as the daemons' did; the init must bury these.
      probe.run(
          "for _ in range(20):",
          "    if os.fork() == 0:",
          "        if os.fork() == 0:",
          "            os._exit(0)",
          "        os._exit(0)",
          "for _ in range(20): os.wait()");
      long pid = probe.process().pid();
      long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      while (HostView.descendants(pid).size() > 6 && System.nanoTime() < end) {
        Thread.sleep(10); // zombies count; nobody but their parent is told when they are gone
      }
      assertThat(HostView.descendants(pid)).as("the worker and five daemons").hasSize(6);
      probe.send("raise SystemExit(0)");
      assertThat(probe.process().exited().get(10, TimeUnit.SECONDS))
          .isEqualTo(new SandboxExit.Exited(0));
      if (Bench.isRoot()) {
        assertThat(HostView.processesOf(200_000 + SLOT)).isEmpty();
      }
    }
  }

  @Test
  @DisplayName("RUN-03 what sockets hold counts, too")
  void run03Sockets() throws IOException {
    needs("socket_memory_limit");
    long before = udpPages();
    try (Probe probe = bench.start(4)) {
      probe.send(
          "import socket",
          "kept, piece = [], b'x' * 60000",
          "for _ in range(70):",
          "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
          "    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)",
          "    s.bind(('127.0.0.1', 0))",
          "    kept.append(s)",
          "    for _ in range(s.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF) // 66000 + 4):",
          "        s.sendto(piece, socket.MSG_DONTWAIT, s.getsockname())",
          "out = len(kept)");
      // In version 2 they are part of the memory, and it may be killed for them.
      probe.process().exited().completeOnTimeout(null, 3, TimeUnit.SECONDS).join();
      assertThat((udpPages() - before) * 4096).as("bytes").isLessThan(128L << 20);
    }
  }

  /** What UDP sockets of the whole machine hold, in pages; all network namespaces count as one. */
  private static long udpPages() throws IOException {
    String line =
        Files.readAllLines(Path.of("/proc/net/sockstat")).stream()
            .filter(l -> l.startsWith("UDP:"))
            .findFirst()
            .orElseThrow();
    return Long.parseLong(line.substring(line.indexOf(" mem ") + 5).strip());
  }

  @Test
  @DisplayName("What is counted for each user is nobody else's, not even root's")
  void countsOfItsOwn() throws IOException {
    needs("uid_per_plugin");
    String[] queue = {
      "import ctypes, errno, os, signal, struct, threading",
      "signal.pthread_sigmask(signal.SIG_BLOCK, [40])",
      "info = ctypes.create_string_buffer(struct.pack('iii', 40, 0, -1), 128)",
      "libc, out = ctypes.CDLL(None, use_errno=True), 0",
      "number = {'x86_64': 297, 'aarch64': 240}[os.uname().machine]", // rt_tgsigqueueinfo
      "me = ctypes.c_long(os.getpid()), ctypes.c_long(threading.get_native_id())",
      "while libc.syscall(ctypes.c_long(number), *me, ctypes.c_long(40), info) == 0: out += 1",
      "assert ctypes.get_errno() == errno.EAGAIN, ctypes.get_errno()",
    };
    try (Probe greedy = bench.start(7);
        Probe other = bench.start(8)) {
      assertThat(greedy.run(queue).asInt()).isBetween(900, 1024);
      assertThat(other.run(queue).asInt()).isBetween(900, 1024);
      String pending =
          Files.readAllLines(Path.of("/proc/self/status")).stream()
              .filter(line -> line.startsWith("SigQ:"))
              .findFirst()
              .orElseThrow();
      int roots = Integer.parseInt(pending.substring(5, pending.indexOf('/')).strip());
      assertThat(roots).as(pending).isLessThan(900);
    }
  }
}
