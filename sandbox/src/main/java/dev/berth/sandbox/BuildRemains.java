package dev.berth.sandbox;

import dev.berth.api.PluginException;
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
 * The nameless images that a build leaves with the engine: of the steps before the one that failed,
 * and of all stages but the last.
 *
 * <p>Which they are is in what the build says, and so could be said by its commands too. Therefore
 * only what the engine itself says has no name and is younger than the build is deleted.
 */
final class BuildRemains {
  private static final Logger log = LoggerFactory.getLogger(BuildRemains.class);
  private static final Pattern MADE = Pattern.compile("---> ([0-9a-f]{12,64})");
  private static final String CACHED = "---> Using cache";
  private static final int MOST = 1000;

  private final DockerEngine engine;
  private final Instant begun = Instant.now();
  private final List<String> made = new ArrayList<>();
  private boolean cached;

  BuildRemains(DockerEngine engine) {
    this.engine = engine;
  }

  /** One line of the build's. What another build has made, and this one takes, is left to that. */
  void heard(String line) {
    Matcher step = MADE.matcher(line);
    if (step.matches() && !cached && made.size() < MOST) {
      made.add(step.group(1));
    }
    cached = line.equals(CACHED);
  }

  /** Deletes what no image that has a name is made of. */
  void delete() {
    try {
      for (String id : made.reversed()) {
        if (isOurs(engine.get("/images/" + id + "/json"))) {
          // The engine keeps, and says so, what another image is made of.
          var _ = engine.delete("/images/" + id + "?noprune=1");
        }
      }
    } catch (PluginException e) {
      log.warn("docker: what a build has left can't be deleted: {}", e.getMessage());
    }
  }

  private boolean isOurs(DockerEngine.Answer found) {
    JsonNode image = found.body();
    if (!found.ok() || !image.path("RepoTags").isEmpty() || !image.path("RepoDigests").isEmpty()) {
      return false;
    }
    try {
      return !Instant.parse(image.path("Created").asString("")).isBefore(begun);
    } catch (DateTimeException e) {
      return false;
    }
  }
}
