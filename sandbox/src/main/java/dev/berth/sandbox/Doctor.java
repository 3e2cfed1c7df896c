package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.HostReport;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.ResourceLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Finds out what this host can give plugins by doing it: berth_runtime/doctor.py makes namespaces
 * and control groups and exceeds their limits, and a worker is really started in each mode. Leaves
 * nothing behind.
 */
public final class Doctor {
  private static final JsonMapper json = JsonMapper.builder().build();
  private static final int SECONDS = 90;

  /** Far from the slots that a server on this machine is likely to use. */
  private static final int SLOT = 57_000;

  private Doctor() {}

  /**
   * Examines this host; takes some seconds.
   *
   * @param data where the data is kept or would be; only how much is free there is looked at
   * @param environment {@code PATH} finds Python, {@code DOCKER_HOST} the engine
   */
  public static HostReport examine(Path data, Map<String, String> environment) {
    PythonInterpreter python;
    try {
      python = PythonInterpreter.find(environment);
    } catch (PluginException e) {
      return without(e.getMessage());
    }
    Path scratch = null;
    try {
      scratch = Files.createTempDirectory("berth-doctor");
      Path runtime = RuntimeFiles.unpack(scratch);
      JsonNode found = ask(python, runtime, scratch, data);
      List<HostReport.Level> levels = new ArrayList<>();
      List<Isolation.Finding> findings = new ArrayList<>();
      found.path("findings").forEach(finding -> findings.add(finding(finding)));
      found.path("levels").forEach(level -> levels.add(level(level)));
      start(ProcessMode.ZYGOTE, python, scratch, levels, findings);
      start(ProcessMode.EXEC, python, scratch, levels, findings);
      levels.add(
          DockerLevel.examine(
              environment.get("DOCKER_HOST"), python.executable(), runtime, scratch, findings));
      Map<String, String> facts = new TreeMap<>();
      found.path("facts").forEachEntry((name, value) -> facts.put(name, value.asString()));
      return new HostReport(facts, levels, findings, levels.getFirst().name());
    } catch (IOException | JacksonException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, "This host could not be examined: " + e.getMessage(), e);
    } finally {
      if (scratch != null) {
        delete(scratch);
      }
    }
  }

  private static HostReport without(String why) {
    String remedy = "Install Python 3.9 or newer (Debian: apt install python3).";
    Isolation nothing =
        new Isolation("process", List.of(), List.of(new Isolation.Missing("python", why, remedy)));
    return new HostReport(
        Map.of(),
        List.of(new HostReport.Level("process", false, why, nothing)),
        List.of(new Isolation.Finding("python", false, why, remedy)),
        "process");
  }

  private static JsonNode ask(PythonInterpreter python, Path runtime, Path scratch, Path data)
      throws IOException {
    ProcessBuilder program =
        HostPython.program(
            python.executable(),
            runtime.resolve("berth_runtime/doctor.py").toString(),
            scratch.toString(),
            data.toString());
    Path said = scratch.resolve("said");
    Process process =
        program
            .redirectOutput(said.toFile())
            .redirectError(scratch.resolve("err").toFile())
            .start();
    try {
      process.getOutputStream().close();
      if (!process.waitFor(SECONDS, TimeUnit.SECONDS)) {
        throw new IOException("no answer within " + SECONDS + " s");
      }
      if (process.exitValue() != 0) {
        String last = Files.readString(scratch.resolve("err"), StandardCharsets.UTF_8).strip();
        throw new IOException(last.substring(last.lastIndexOf('\n') + 1));
      }
      return json.readTree(Files.readAllBytes(said));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
    }
  }

  private static HostReport.Level level(JsonNode level) {
    String name = level.path("name").asString();
    return new HostReport.Level(
        name,
        level.path("available").asBoolean(),
        level.path("why").asString(),
        Launcher.isolation("process", level));
  }

  static Isolation.Finding finding(JsonNode finding) {
    return new Isolation.Finding(
        finding.path("name").asString(),
        finding.path("ok").asBoolean(),
        finding.path("what").asString(),
        finding.path("remedy").asString());
  }

  /**
   * Starts a worker as a plugin's would be. The level of zygote mode is there already and is only
   * corrected; that of exec mode is added from what its own launcher says.
   */
  private static void start(
      ProcessMode mode,
      PythonInterpreter python,
      Path scratch,
      List<HostReport.Level> levels,
      List<Isolation.Finding> findings) {
    String name = "worker_" + mode.word();
    @Nullable Isolation isolation = null;
    String failure = "";
    try {
      Path data = Files.createDirectories(scratch.resolve(mode.word()));
      Path workspace = Files.createDirectories(data.resolve("package"));
      ProcessSandboxSettings settings =
          ProcessSandboxSettings.of(data)
              .withPython(python.executable().toString())
              .withAllowWeak(true)
              .withMode(mode);
      try (ProcessSandbox sandbox = ProcessSandbox.open(settings)) {
        isolation = sandbox.isolation();
        long begun = System.nanoTime();
        SandboxProcess worker =
            sandbox.start(
                SandboxSpec.of(
                    new PluginId("plugin_doctor"),
                    1,
                    workspace,
                    null,
                    data.resolve("data"),
                    SLOT,
                    new ResourceLimits(128, 1024, 30)));
        long took = System.nanoTime() - begun;
        worker.kill();
        worker.exited().join();
        Rendezvous.close(worker.channel());
        Rendezvous.close(worker.output());
        findings.add(
            new Isolation.Finding(
                name,
                true,
                "a worker was started in " + took / 1_000_000 + " ms, none being parked",
                ""));
      }
    } catch (PluginException | IOException e) {
      failure = String.valueOf(e.getMessage());
      findings.add(
          new Isolation.Finding(
              name, false, failure, "Look above for what is missing, and at the kernel's log."));
    }
    if (mode == ProcessMode.EXEC) {
      Isolation found = isolation == null ? levels.getFirst().isolation() : isolation;
      levels.add(1, new HostReport.Level("process_exec", failure.isEmpty(), failure, found));
    } else if (!failure.isEmpty()) {
      HostReport.Level first = levels.getFirst();
      levels.set(0, new HostReport.Level(first.name(), false, failure, first.isolation()));
    }
  }

  private static void delete(Path folder) {
    try {
      Files.walkFileTree(
          folder,
          new SimpleFileVisitor<>() {
            @Override
            public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
                throws IOException {
              Files.delete(file);
              return FileVisitResult.CONTINUE;
            }

            @Override
            public FileVisitResult postVisitDirectory(Path visited, @Nullable IOException e)
                throws IOException {
              Files.delete(visited);
              return FileVisitResult.CONTINUE;
            }
          });
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, "Delete " + folder + ": it is the doctor's. " + e, e);
    }
  }
}
