package dev.berth.dist;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;

/** A dockerd of the test's own, which may be stopped and killed; needs root. */
final class PrivateEngine implements AutoCloseable {
  /**
   * What the tests' image is called in it. Should it be missing, the engine looks for it where
   * nobody listens, and no packet leaves the machine.
   */
  static final String IMAGE = "127.0.0.1:9/berth-test-python:1";

  private final Path folder;
  private Process daemon;

  PrivateEngine(Path folder) {
    this.folder = folder;
    this.daemon = launch();
    load();
    reset();
  }

  static boolean possible() {
    return DockerEngineHere.available()
        && "root".equals(System.getProperty("user.name"))
        && DockerEngineHere.run("dockerd", "--version");
  }

  String host() {
    return "unix://" + folder.resolve("d.sock");
  }

  private Process launch() {
    try {
      Process process =
          new ProcessBuilder(
                  "dockerd",
                  "-H",
                  host(),
                  "--data-root=" + folder.resolve("data"),
                  "--exec-root=" + folder.resolve("exec"),
                  "--pidfile=" + folder.resolve("pid"),
                  "--bridge=none",
                  "--iptables=false",
                  "--ip6tables=false")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.appendTo(folder.resolve("log").toFile()))
              .start();
      await(Duration.ofSeconds(60), () -> DockerEngineHere.run("docker", "-H", host(), "version"));
      return process;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void load() {
    Path image = folder.resolve("image.tar");
    if (!DockerEngineHere.run("docker", "save", "-o", image.toString(), DockerEngineHere.IMAGE)
        || !DockerEngineHere.run("docker", "-H", host(), "load", "-i", image.toString())) {
      throw new AssertionError("the image can't be copied; see " + folder.resolve("log"));
    }
    try {
      Files.delete(image);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** SIGSTOP: it takes connections and answers none. */
  void stand() {
    signal("-STOP");
  }

  void goOn() {
    signal("-CONT");
  }

  private void signal(String which) {
    if (!DockerEngineHere.run("kill", which, Long.toString(daemon.pid()))) {
      throw new AssertionError("no dockerd to signal");
    }
  }

  /** SIGKILL; what it started lives on. */
  void die() {
    end(true);
  }

  void stop() {
    end(false);
  }

  void start() {
    try {
      // Of one that was killed: where nobody reaps orphans their processes seem to be there still.
      Files.deleteIfExists(folder.resolve("pid"));
      Files.deleteIfExists(folder.resolve("exec/containerd/containerd.pid"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    daemon = launch();
  }

  private void end(boolean hard) {
    try {
      if (hard) {
        daemon.destroyForcibly();
      } else {
        daemon.destroy();
      }
      if (!daemon.waitFor(60, TimeUnit.SECONDS)) {
        throw new AssertionError("dockerd does not end");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /**
   * Names and states of all containers, sorted. What it is removing is left out: no more can be
   * asked of it, and one that was killed before may take minutes.
   */
  List<String> containers() {
    return lines("docker", "-H", host(), "ps", "--all", "--format", "{{.Names}} {{.State}}")
        .stream()
        .filter(line -> !line.endsWith(" removing"))
        .toList();
  }

  /** What a docker command of this engine prints. */
  String docker(String... arguments) {
    List<String> command = new ArrayList<>(List.of("docker", "-H", host()));
    command.addAll(List.of(arguments));
    return String.join("\n", lines(command.toArray(String[]::new)));
  }

  /** As it was at first: it runs, has no containers, and the image by its name. */
  void reset() {
    if (!daemon.isAlive()) {
      start();
    }
    goOn();
    for (String id : docker("ps", "--all", "--quiet").lines().toList()) {
      docker("rm", "--force", id);
    }
    docker("tag", DockerEngineHere.IMAGE, IMAGE);
  }

  private static List<String> lines(String... command) {
    try {
      Process process =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
      String text =
          new String(
              process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
      process.waitFor();
      return text.lines().sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** Looks again and again; there is nobody who would tell. */
  static void await(Duration limit, BooleanSupplier condition) {
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError("not within " + limit);
      }
      try {
        Thread.sleep(100);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException(e);
      }
    }
  }

  @Override
  public void close() {
    reset(); // so that it ends its containers and its containerd
    stop();
    endLeftovers();
    unmountLeftovers();
  }

  /**
   * An engine that was killed leaves the mount it makes of its folder, and those of a container it
   * was making.
   */
  private void unmountLeftovers() {
    try {
      List<String> mounts =
          Files.readAllLines(Path.of("/proc/self/mounts")).stream()
              .map(line -> line.split(" ", 3)[1])
              .filter(point -> Path.of(point).startsWith(folder))
              .toList();
      for (String point : mounts.reversed()) {
        if (!DockerEngineHere.run("umount", point)) {
          throw new AssertionError(point + " can't be unmounted");
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The shims of an engine that was killed know no other, so nothing else ends them. */
  private void endLeftovers() {
    String mark = folder.resolve("exec").toString();
    ProcessHandle.allProcesses()
        .filter(process -> process.info().commandLine().orElse("").contains(mark))
        .flatMap(shim -> Stream.concat(Stream.of(shim), shim.descendants()))
        .toList()
        .forEach(ProcessHandle::destroyForcibly);
  }
}
