package dev.berth.sandbox;

import dev.berth.api.HostReport;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the Docker sandbox would give here, found out by what it finds it out with itself, but that
 * no container is made.
 */
final class DockerLevel {
  private static final String REMEDY =
      "Install Docker and start it, or name an engine on this machine:"
          + " DOCKER_HOST=unix:///path or tcp://127.0.0.1:port.";

  private DockerLevel() {}

  /**
   * @param host the engine, as DOCKER_HOST says it; null or empty for the usual socket
   * @param runtime the folder of the Python files
   * @param scratch a folder of ours
   * @param findings what is found besides is added here
   */
  static HostReport.Level examine(
      @Nullable String host,
      Path python,
      Path runtime,
      Path scratch,
      List<Isolation.Finding> findings)
      throws IOException {
    try (DockerEngine engine = DockerEngine.connect(host)) {
      JsonNode info = engine.get("/info").body();
      JsonNode version = engine.get("/version").body();
      VolumeImages made = VolumeImages.find();
      String[] noAttacher = {""};
      try (Attacher attacher =
          Attacher.start(
              python,
              runtime,
              Files.createDirectories(scratch.resolve("volumes")),
              scratch.resolve("placed"),
              made == null ? null : made.probe(scratch),
              why -> noAttacher[0] = why)) {
        var found =
            DockerIsolation.Found.of(
                info, attacher, noAttacher[0], Landlock.missing(python, runtime));
        Isolation isolation = DockerIsolation.of(found);
        findings.add(
            new Isolation.Finding(
                "docker_engine",
                true,
                "Docker "
                    + version.path("Version").asString("")
                    + ", API "
                    + version.path("ApiVersion").asString("")
                    + ", control groups of version "
                    + info.path("CgroupVersion").asString("1")
                    + ", at "
                    + (host == null || host.isBlank() ? "the usual socket" : host.strip()),
                ""));
        findings.add(gvisor(info.path("Runtimes")));
        findings.addAll(isolation.findings());
        return new HostReport.Level("docker", true, "", isolation);
      }
    } catch (PluginException e) {
      String why = String.valueOf(e.getMessage());
      findings.add(new Isolation.Finding("docker_engine", false, why, REMEDY));
      var nothing = List.of(new Isolation.Missing("docker", why, REMEDY));
      return new HostReport.Level(
          "docker", false, why, new Isolation("docker", List.of(), nothing));
    }
  }

  private static Isolation.Finding gvisor(JsonNode runtimes) {
    boolean there = runtimes.has("runsc");
    return new Isolation.Finding(
        "gvisor",
        there,
        "the engine's runtimes are " + String.join(", ", runtimes.propertyNames()),
        there ? "" : "For a kernel of its own for each container install gVisor (runsc).");
  }
}
