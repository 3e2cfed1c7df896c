package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/** uv, which resolves without downloading and is an order of magnitude faster than pip. */
final class UvTool implements DependencyTool {
  private static final Pattern PIN =
      Pattern.compile("([A-Za-z0-9][A-Za-z0-9._-]*)==([A-Za-z0-9.!+_-]+)\\s*\\\\?");
  private static final Pattern HASH = Pattern.compile("\\s*--hash=sha256:([0-9a-f]{64})\\s*\\\\?");

  private final Path uv;
  private final PythonInterpreter python;
  private final PythonInterpreter target;
  private final DependencyEnvironment environment;

  UvTool(
      Path uv,
      PythonInterpreter python,
      PythonInterpreter target,
      DependencyEnvironment environment) {
    this.uv = uv;
    this.python = python;
    this.target = target;
    this.environment = environment;
  }

  @Override
  public String name() {
    return "uv";
  }

  /** Whether it runs: what is on the PATH may be a launcher with nothing behind it. */
  boolean works(DependencyWork work) throws IOException {
    return work.run(List.of(uv.toString(), "--version"), environment.forUv(), false).code() == 0;
  }

  @Override
  public DependencyLock resolve(List<DependencyRequirement> requirements, DependencyWork work)
      throws IOException {
    Path wanted = work.folder().resolve("requirements.in");
    Path locked = work.folder().resolve("compiled.txt");
    Files.write(wanted, requirements.stream().map(DependencyRequirement::text).toList());
    var ended =
        work.run(
            uv(
                "compile",
                "--generate-hashes",
                "--only-binary=:all:",
                "--no-header",
                "--no-annotate",
                "--no-emit-index-url",
                "--no-emit-find-links",
                "--python",
                python.executable().toString(),
                "--output-file",
                locked.toString(),
                wanted.toString()),
            environment.forUv(),
            false);
    if (ended.code() != 0) {
      throw DependencyFailure.of(name(), ended.lines(), requirements, target.platform());
    }
    DependencyLock lock = lock(Files.readAllLines(locked, StandardCharsets.UTF_8));
    work.tell("resolved " + lock.pins().size() + " packages");
    return lock;
  }

  private DependencyLock lock(List<String> lines) {
    var pins = new ArrayList<DependencyLock.Pin>();
    for (String line : lines) {
      var pin = PIN.matcher(line);
      var hash = HASH.matcher(line);
      if (pin.matches()) {
        pins.add(
            new DependencyLock.Pin(
                DependencyRequirement.normalize(pin.group(1)), pin.group(2), List.of()));
      } else if (hash.matches() && !pins.isEmpty()) {
        DependencyLock.Pin last = pins.removeLast();
        var hashes = new ArrayList<>(last.sha256());
        hashes.add(hash.group(1));
        pins.add(new DependencyLock.Pin(last.name(), last.version(), hashes));
      } else if (!line.isBlank() && !line.startsWith("#")) {
        throw new PluginException(
            ErrorCode.DEPENDENCY_UNRESOLVABLE,
            "uv resolved to something that is not a project with a version: " + line);
      }
    }
    for (DependencyLock.Pin pin : pins) {
      if (pin.sha256().isEmpty()) {
        throw new PluginException(
            ErrorCode.DEPENDENCY_UNRESOLVABLE,
            "The package index gives no SHA-256 for " + pin.name() + " " + pin.version() + ".");
      }
    }
    return new DependencyLock(target.platform(), pins);
  }

  @Override
  public void install(DependencyLock lock, DependencyWork work, Path target) throws IOException {
    Path locked = work.folder().resolve("lock.txt");
    Files.writeString(locked, lock.text(), StandardCharsets.UTF_8);
    var ended =
        work.run(
            uv(
                "install",
                "--require-hashes",
                "--only-binary=:all:",
                "--no-deps",
                // A link into uv's cache would be written to by whoever writes there.
                "--link-mode=copy",
                "--python",
                python.executable().toString(),
                "--target",
                target.toString(),
                "--requirements",
                locked.toString()),
            environment.forUv(),
            true);
    if (ended.code() != 0) {
      throw DependencyFailure.of(
          name(), ended.lines(), lock.requirements(), this.target.platform());
    }
  }

  private List<String> uv(String... arguments) {
    var command = new ArrayList<String>();
    command.addAll(List.of(uv.toString(), "pip"));
    command.addAll(List.of(arguments));
    if (!target.equals(python)) {
      command.addAll(new DependencyTarget(target).forUv());
    }
    return command;
  }
}
