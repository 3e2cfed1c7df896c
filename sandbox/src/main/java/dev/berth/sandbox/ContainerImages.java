package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Says which image a plugin runs in, and remembers what images are like that were looked at. */
final class ContainerImages {
  private final DockerSandboxSettings settings;
  private final DockerEngine engine;
  private final Path runtime;
  private final Map<String, DockerImage> known = new ConcurrentHashMap<>();

  /**
   * @param runtime the folder of the Python files
   */
  ContainerImages(DockerSandboxSettings settings, DockerEngine engine, Path runtime) {
    this.settings = settings;
    this.engine = engine;
    this.runtime = runtime;
  }

  /** The image of every plugin that has none of its own. */
  DockerImage usual() {
    return get(settings.image());
  }

  boolean isUsual(String name) {
    return name.equals(settings.image());
  }

  /**
   * What is behind a name; may pull it.
   *
   * @throws PluginException {@code sandbox_unavailable}
   */
  DockerImage get(String name) {
    return known.computeIfAbsent(name, wanted -> DockerImage.find(engine, wanted));
  }

  /**
   * The name of a plugin's image. Its own, named or built, only where the operator allows that.
   *
   * @param named what its manifest names, or empty
   */
  String nameOf(String named, Path packageDir) {
    if (!named.isEmpty() && !settings.pluginImages()) {
      throw new PluginException(
          ErrorCode.FORBIDDEN,
          "The plugin wants to run in the image "
              + named
              + ", which this host does not allow. Serve with --docker-plugin-images if you trust"
              + " it, or ask its author for a version without docker_image.");
    }
    if (!named.isEmpty()) {
      return named;
    }
    return settings.pluginImages() && PluginBuild.hasDockerfile(packageDir)
        ? new PluginBuild(engine, settings.helper(), runtime).image(packageDir)
        : settings.image();
  }

  /** Of what the engine refused, the image may be missing by now: the next start looks again. */
  void forget(String name, PluginException why) {
    if (why.code() == ErrorCode.PLUGIN_START_FAILED) {
      known.remove(name);
    }
  }
}
