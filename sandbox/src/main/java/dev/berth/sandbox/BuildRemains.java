package dev.berth.sandbox;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * The nameless images that a build leaves with the engine: of the steps before the one that failed
 * or was cut off, and of all stages but the last. They have no label of ours yet, so a file says
 * which they are, for the next host where this one dies.
 *
 * <p>Which they are is in what the build says, and so could be said by its commands too. Therefore
 * only what the engine itself says has no name and is younger than the build is deleted.
 */
final class BuildRemains {
  private static final Logger log = LoggerFactory.getLogger(BuildRemains.class);
  private static final Pattern ID = Pattern.compile("[0-9a-f]{12,64}");
  private static final Pattern MADE = Pattern.compile("---> ([0-9a-f]{12,64})");
  private static final String CACHED = "---> Using cache";
  private static final int MOST = 1000;

  private final DockerEngine engine;
  private final Path file;
  private final Instant begun;
  private final List<String> made = new ArrayList<>();
  private boolean cached;

  private BuildRemains(DockerEngine engine, Path file, Instant begun) {
    this.engine = engine;
    this.file = file;
    this.begun = begun;
  }

  /**
   * Of a build that is about to begin.
   *
   * @param folder where the files are that say what builds have made
   */
  static BuildRemains begin(DockerEngine engine, Path folder) throws IOException {
    Path file = Files.createTempFile(Files.createDirectories(folder), "build", ".txt");
    var remains = new BuildRemains(engine, file, Instant.now());
    remains.note(remains.begun.toString());
    return remains;
  }

  /** Deletes what is left of the builds of a dead host. */
  static void deleteAll(DockerEngine engine, Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
      for (Path file : files) {
        read(engine, file).delete();
      }
    }
  }

  private static BuildRemains read(DockerEngine engine, Path file) throws IOException {
    List<String> lines = Files.readAllLines(file, StandardCharsets.ISO_8859_1);
    Instant begun = lines.isEmpty() ? Instant.MIN : time(lines.getFirst());
    var remains = new BuildRemains(engine, file, begun);
    if (begun.isAfter(Instant.MIN)) { // else it died before it had begun, or the file is damaged
      lines.stream().skip(1).filter(ID.asMatchPredicate()).forEach(remains.made::add);
    }
    return remains;
  }

  /** Long ago, where it is none. */
  private static Instant time(String text) {
    try {
      return Instant.parse(text);
    } catch (DateTimeException e) {
      return Instant.MIN;
    }
  }

  private void note(String line) {
    try {
      Files.writeString(file, line + "\n", StandardCharsets.US_ASCII, StandardOpenOption.APPEND);
    } catch (IOException e) {
      log.warn(
          "{} can't be written, and what a build leaves will stay if this host dies: {}",
          file,
          e.toString());
    }
  }

  /** One line of the build's. What another build has made, and this one takes, is left to that. */
  void heard(String line) {
    Matcher step = MADE.matcher(line);
    if (step.matches() && !cached && made.size() < MOST) {
      made.add(step.group(1));
      note(step.group(1));
    }
    cached = line.equals(CACHED);
  }

  /** Deletes what no image that has a name is made of. */
  void delete() {
    boolean interrupted = Thread.interrupted(); // which ended the build, not what is due here
    try {
      for (String id : made.reversed()) {
        DockerEngine.Answer found = engine.get("/images/" + id + "/json");
        if (isOurs(found)) {
          awaitStep(found.body().path("Id").asString());
          // The engine keeps, and says so, what another image is made of.
          var _ = engine.delete("/images/" + id + "?noprune=1");
        }
      }
      Files.delete(file);
    } catch (PluginException | IOException e) {
      log.warn("docker: what a build has left is deleted at the next start: {}", e.getMessage());
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** The engine takes a moment to end the step of a build that was cut off. */
  private void awaitStep(String image) {
    String filter = "{\"ancestor\":[\"" + image + "\"]}";
    for (JsonNode row :
        engine.get("/containers/json?all=1&filters=" + DockerEngine.encoded(filter)).body()) {
      if (row.path("ImageID").asString("").equals(image)) {
        var _ =
            engine.post(
                "/containers/" + row.path("Id").asString() + "/wait?condition=removed", null);
      }
    }
  }

  private boolean isOurs(DockerEngine.Answer found) {
    JsonNode image = found.body();
    if (!found.ok() || !image.path("RepoTags").isEmpty() || !image.path("RepoDigests").isEmpty()) {
      return false;
    }
    return !time(image.path("Created").asString("")).isBefore(begun);
  }
}
