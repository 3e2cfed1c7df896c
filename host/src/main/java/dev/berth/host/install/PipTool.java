package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The interpreter's own pip. It resolves by downloading the wheels, each checked against the hash
 * the index gives; they are hashed again here, and installed from the folder they are in, without
 * the index.
 */
final class PipTool implements DependencyTool {
  // pip chooses wheels for the version it is told, but goes by its own in "; python_version < ...".
  private static final String ELSEWHERE =
      """
      import sys
      import pip._vendor.packaging.markers as markers
      told, own = dict(pair.split("=", 1) for pair in sys.argv.pop(1).split()), markers.default_environment
      markers.default_environment = lambda: {**own(), **told}
      from pip._internal.cli.main import main
      sys.exit(main(sys.argv[1:]))
      """;

  private final PythonInterpreter python;
  private final PythonInterpreter target;
  private final DependencyEnvironment environment;

  PipTool(PythonInterpreter python, PythonInterpreter target, DependencyEnvironment environment) {
    this.python = python;
    this.target = target;
    this.environment = environment;
  }

  @Override
  public String name() {
    return "pip";
  }

  /** Whether this interpreter has a pip that resolves as a whole (20.3 of 2020, or newer). */
  boolean works(DependencyWork work) throws IOException {
    // pip itself would take ten times as long to say so.
    var ended =
        work.run(
            List.of(
                python.executable().toString(),
                "-I",
                "-c",
                "import importlib.metadata as m; print('pip', m.version('pip'))"),
            environment.forPipOffline(),
            false);
    return ended.code() == 0
        && ended.lines().stream()
            .anyMatch(line -> line.matches("pip (?:2[1-9]|[3-9]\\d|20\\.[3-9]).*"));
  }

  /** Whether the operator's configuration files tell pip where packages are. */
  boolean configured(DependencyWork work) throws IOException {
    var ended = work.run(pip("config", "list"), environment.forPip(), false);
    return ended.lines().stream()
        .anyMatch(
            line -> line.matches(".*\\.(?:index-url|extra-index-url|find-links|no-index)=.*"));
  }

  @Override
  public DependencyLock resolve(List<DependencyRequirement> requirements, DependencyWork work)
      throws IOException {
    Path wanted = work.folder().resolve("requirements.txt");
    Files.write(wanted, requirements.stream().map(DependencyRequirement::text).toList());
    Path wheels = Files.createDirectories(wheels(work));
    List<String> download =
        pip(
            "download",
            "--only-binary=:all:",
            "--progress-bar=off",
            "--dest",
            wheels.toString(),
            "--requirement",
            wanted.toString());
    var ended = work.run(download, environment.forPip(), true);
    if (ended.code() != 0) {
      throw DependencyFailure.of(
          name(), explained(ended.lines(), download, work), requirements, target.platform());
    }
    return lock(wheels);
  }

  /**
   * Asks again where pip kept to itself why it left out what it found: files that are no wheels, or
   * an index that didn't answer.
   */
  private List<String> explained(List<String> lines, List<String> download, DependencyWork work)
      throws IOException {
    boolean silent =
        lines.stream().anyMatch(line -> line.contains("(from versions: none)"))
            && lines.stream().noneMatch(line -> line.contains("Retry(total=0"));
    if (!silent) {
      return lines;
    }
    work.tell("asking pip why it found nothing");
    var more = new ArrayList<>(download);
    more.add("-vv");
    var again = work.run(more, environment.forPip(), false);
    var all = new ArrayList<>(lines);
    // Which of its many lines are about the project that failed, the project's name tells.
    lines.stream()
        .filter(line -> line.contains("No matching distribution found for "))
        .map(line -> line.replaceFirst(".*found for ([A-Za-z0-9._-]+).*", "$1"))
        .map(DependencyRequirement::normalize)
        .forEach(project ->
            again.lines().stream()
                .filter(line ->
                    line.contains("Skipping link: ") || line.contains("Could not fetch URL"))
                .filter(line -> DependencyRequirement.normalize(line).contains(project))
                .forEach(all::add));
    return all;
  }

  private DependencyLock lock(Path wheels) throws IOException {
    var pins = new ArrayList<DependencyLock.Pin>();
    try (Stream<Path> files = Files.list(wheels)) {
      for (Path file : files.toList()) {
        // {name}-{version}(-{build})?-{python}-{abi}-{platform}.whl
        String[] parts = file.getFileName().toString().split("-", -1);
        if (parts.length < 5 || !file.toString().endsWith(".whl")) {
          throw new PluginException(
              ErrorCode.DEPENDENCY_NO_WHEEL,
              "The package index gave "
                  + file.getFileName()
                  + ", which is not a wheel. Only wheels are installed.");
        }
        pins.add(
            new DependencyLock.Pin(
                DependencyRequirement.normalize(parts[0]),
                parts[1],
                List.of(HexFormat.of().formatHex(Sha256.of(file)))));
      }
    }
    return new DependencyLock(target.platform(), pins);
  }

  @Override
  public void install(DependencyLock lock, DependencyWork work, Path target) throws IOException {
    Path locked = work.folder().resolve("lock.txt");
    Files.writeString(locked, lock.text(), StandardCharsets.UTF_8);
    Map<String, String> offline = environment.forPipOffline();
    var ended =
        work.run(
            pip(
                "install",
                "--no-index",
                "--find-links",
                wheels(work).toString(),
                "--require-hashes",
                "--only-binary=:all:",
                "--no-deps",
                // Resolving went by it. Installing would go by the Python that pip itself runs on.
                "--ignore-requires-python",
                "--no-compile",
                "--no-warn-script-location",
                "--no-cache-dir",
                "--progress-bar=off",
                "--target",
                target.toString(),
                "--requirement",
                locked.toString()),
            offline,
            false);
    if (ended.code() != 0) {
      throw DependencyFailure.of(
          name(), ended.lines(), lock.requirements(), this.target.platform());
    }
  }

  private static Path wheels(DependencyWork work) {
    return work.folder().resolve("wheels");
  }

  /** Isolated: no folder but the interpreter's own is on its path, so nothing else can be pip. */
  private List<String> pip(String... arguments) {
    var command = new ArrayList<String>();
    boolean other = !target.equals(python) && !arguments[0].equals("config");
    if (!other) {
      command.addAll(List.of(python.executable().toString(), "-I", "-m", "pip"));
      command.addAll(List.of(arguments));
      return command;
    }
    var elsewhere = new DependencyTarget(target);
    command.addAll(List.of(python.executable().toString(), "-I", "-c", ELSEWHERE));
    command.add(
        elsewhere.markers().entrySet().stream()
            .map(marker -> marker.getKey() + "=" + marker.getValue())
            .collect(Collectors.joining(" ")));
    command.addAll(List.of(arguments));
    command.addAll(elsewhere.forPip());
    return command;
  }
}
