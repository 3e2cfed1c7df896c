package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A host in a JVM of its own, which tests may kill or run as another user. */
final class ChildHost implements AutoCloseable {
  private static final int NOBODY = 65534;

  private final Process process;
  private final BufferedReader out;

  private ChildHost(Process process) {
    this.process = process;
    this.out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
  }

  /** With workers as in {@link #main}; waits for nothing. */
  static ChildHost start(Path data, String python, int workers, boolean allowWeak)
      throws IOException {
    return launch(
        List.of(),
        System.getProperty("java.class.path"),
        data,
        python,
        workers,
        allowWeak,
        ProcessMode.ZYGOTE);
  }

  /** As a user without rights; the class path is copied to where that user can read it. */
  static ChildHost startWithoutRoot(Path folder, String python, int workers, boolean allowWeak)
      throws IOException {
    return startWithoutRoot(folder, python, workers, allowWeak, ProcessMode.ZYGOTE);
  }

  static ChildHost startWithoutRoot(
      Path folder, String python, int workers, boolean allowWeak, ProcessMode mode)
      throws IOException {
    Path data = Files.createDirectories(folder.resolve("data"));
    List<String> readable = new ArrayList<>();
    int number = 0;
    for (String entry :
        System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)) {
      Path copy = folder.resolve("classes/" + number++ + "-" + Path.of(entry).getFileName());
      copyTree(Path.of(entry), copy);
      readable.add(copy.toString());
    }
    if (Bench.isRoot()) {
      for (Path path = folder; path != null && path.startsWith("/tmp/"); path = path.getParent()) {
        Files.setPosixFilePermissions(
            path, java.nio.file.attribute.PosixFilePermissions.fromString("rwxr-xr-x"));
      }
      Files.setAttribute(data, "unix:uid", NOBODY);
      Files.setAttribute(data, "unix:gid", NOBODY);
    }
    List<String> prefix =
        Bench.isRoot()
            ? List.of("setpriv", "--reuid=" + NOBODY, "--regid=" + NOBODY, "--clear-groups")
            : List.of();
    return launch(
        prefix,
        String.join(java.io.File.pathSeparator, readable),
        data,
        python,
        workers,
        allowWeak,
        mode);
  }

  private static ChildHost launch(
      List<String> prefix,
      String classes,
      Path data,
      String python,
      int workers,
      boolean allowWeak,
      ProcessMode mode)
      throws IOException {
    List<String> command = new ArrayList<>(prefix);
    command.addAll(
        List.of(
            System.getProperty("java.home") + "/bin/java",
            "-Xmx256m",
            "-cp",
            classes,
            ChildHost.class.getName(),
            data.toString(),
            python,
            Integer.toString(workers),
            Boolean.toString(allowWeak),
            mode.name()));
    return new ChildHost(
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start());
  }

  private static void copyTree(Path from, Path to) throws IOException {
    try (Stream<Path> paths = Files.walk(from)) {
      for (Path path : paths.toList()) {
        Path target = to.resolve(from.relativize(path).toString());
        Files.createDirectories(target.getParent());
        if (Files.isRegularFile(path)) {
          Files.copy(path, target);
        }
      }
    }
  }

  long pid() {
    return process.pid();
  }

  /** The rest of the next line that starts with this word. */
  String await(String word) throws IOException {
    String line;
    List<String> heard = new ArrayList<>();
    while ((line = out.readLine()) != null) {
      if (line.startsWith(word + " ")) {
        return line.substring(word.length() + 1);
      }
      heard.add(line);
    }
    throw new AssertionError("the child host ended without saying " + word + ", but " + heard);
  }

  void killHard() throws InterruptedException {
    process.destroyForcibly().waitFor();
  }

  /** Asks it to end in order. */
  int end() throws IOException, InterruptedException {
    process.getOutputStream().close();
    return process.waitFor();
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** Arguments: data folder, python, number of workers, whether weak isolation is allowed, mode. */
  public static void main(String[] args) throws IOException {
    ProcessSandboxSettings settings =
        ProcessSandboxSettings.of(Path.of(args[0]))
            .withPython(args[1])
            .withAllowWeak(Boolean.parseBoolean(args[3]))
            .withMode(ProcessMode.valueOf(args[4]));
    try (Bench bench = Bench.open(settings)) {
      say(
          "missing",
          bench.sandbox().isolation().missing().stream().map(m -> m.protection()).toList());
      say("enforced", bench.sandbox().isolation().enforced());
      say("launcher", bench.sandbox().launcherPid());
      List<Probe> probes = new ArrayList<>();
      try {
        for (int i = 0; i < Integer.parseInt(args[2]); i++) {
          probes.add(bench.start(i));
        }
      } catch (PluginException e) {
        say("refused", e.code().wireName() + " " + e.getMessage());
        return;
      }
      say("workers", probes.stream().map(p -> p.process().pid()).toList());
      attack(probes.getFirst()).forEach((name, result) -> say("attack", name + "=" + result));
      probes.getFirst().run(Posture.COMPANY);
      say("ready", "");
      while (System.in.read() >= 0) {
        // The end of input is the order to end.
      }
      probes.forEach(Probe::close);
    }
    say("closed", "");
  }

  private static Map<String, String> attack(Probe probe) {
    return Map.of(
        "shadow",
        probe.errnoOf("open('/etc/shadow')"),
        "unshare",
        probe.errnoOfCall("unshare", "0x10000000"),
        "net",
        probe.errnoOf("import socket; socket.create_connection(('192.0.2.1', 80), 2)"),
        "pids",
        probe
            .run("import os; out = len([p for p in os.listdir('/proc') if p.isdigit()])")
            .toString(),
        "setuid",
        probe.errnoOf("import os; os.setuid(0)"),
        "setgroups",
        probe.errnoOf("import os; os.setgroups([0])"),
        "write",
        probe.errnoOf("open('/workspace/x', 'w')"),
        "data",
        probe.errnoOf("open('/data/x', 'w').close()"),
        "forks",
        probe
            .run(
                "import os, signal, time",
                "born = []",
                "try:",
                "    while len(born) < 1000:",
                "        pid = os.fork()",
                "        if pid == 0:",
                "            time.sleep(600)",
                "        born.append(pid)",
                "except OSError: pass",
                "out = 'ended' if len(born) < 128 else 'endless'",
                "for pid in born: os.kill(pid, 9)",
                "for pid in born: os.waitpid(pid, 0)")
            .asString());
  }

  private static void say(String word, Object rest) {
    System.out.println(word + " " + rest);
    System.out.flush();
  }
}
