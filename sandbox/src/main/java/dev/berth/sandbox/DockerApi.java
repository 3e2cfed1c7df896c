package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/**
 * Which versions of the Engine API are spoken here. All are 1.x; x is what is counted.
 *
 * <p>What is asked for and read here means the same from the oldest to the newest of them. Before
 * the newest is raised, the engine's list of changes (moby, api/docs/CHANGELOG.md) is read against
 * that.
 */
final class DockerApi {
  /** Docker 19.03. */
  static final int OLDEST = 40;

  static final int NEWEST = 55;

  private static final Pattern VERSION = Pattern.compile("1\\.\\d{1,3}");

  private DockerApi() {}

  /**
   * The newest version that both know.
   *
   * @param where the engine, for messages
   * @param said its answer to GET /version
   * @throws PluginException {@code sandbox_unavailable} when there is none
   */
  static String agree(String where, JsonNode said) {
    String newest = said.path("ApiVersion").asString("");
    if (!VERSION.matcher(newest).matches()) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, where + " is not a Docker engine: it names no version.");
    }
    String oldest = said.path("MinAPIVersion").asString("");
    int theirNewest = minor(newest);
    int theirOldest = VERSION.matcher(oldest).matches() ? minor(oldest) : 0;
    if (theirNewest < OLDEST || theirOldest > NEWEST) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "The Docker engine at "
              + where
              + " can't be used: it speaks API 1."
              + theirOldest
              + " to 1."
              + theirNewest
              + ", and Berth speaks 1."
              + OLDEST
              + " to 1."
              + NEWEST
              + (theirNewest < OLDEST
                  ? ". Update the engine to Docker 19.03 or later."
                  : ". Update Berth, or set \"min-api-version\": \"1."
                      + NEWEST
                      + "\" in the engine's daemon.json."));
    }
    return "1." + Math.min(theirNewest, NEWEST);
  }

  private static int minor(String version) {
    return Integer.parseInt(version.substring(2));
  }
}
