package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/** Says which image a plugin runs in, and remembers what images are like that were looked at. */
final class ContainerImages implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ContainerImages.class);

  private final DockerSandboxSettings settings;
  private final DockerEngine engine;
  private final String installation;
  private final PluginBuild builds;
  private final OncePerKey<DockerImage> known = new OncePerKey<>();
  private final OncePerKey<String> built = new OncePerKey<>();

  /** Who waits for an image, by its key in one of the above. */
  private final Map<String, List<Consumer<String>>> watchers = new ConcurrentHashMap<>();

  /**
   * @param installation whose what is made of images is
   * @param runtime the folder of the Python files
   * @param notes the folder for notes of what builds have made
   */
  ContainerImages(
      DockerSandboxSettings settings,
      DockerEngine engine,
      String installation,
      Path runtime,
      Path notes) {
    this.settings = settings;
    this.engine = engine;
    this.installation = installation;
    this.builds = new PluginBuild(engine, installation, settings.helper(), runtime, notes);
  }

  /** Removes what builds of a dead host have left. */
  void reap() throws IOException {
    builds.reap();
  }

  /** The image of every plugin that has none of its own. */
  DockerImage usual() {
    return get(settings.image(), _ -> {});
  }

  boolean isUsual(String name) {
    return name.equals(settings.image());
  }

  /**
   * What is behind a name; may pull it.
   *
   * @param progress told now and then how far that is
   * @throws PluginException {@code sandbox_unavailable}
   */
  DockerImage get(String name, Consumer<String> progress) {
    return once(known, name, progress, all -> finder(name, all).find());
  }

  private ImageFinder finder(String name, Consumer<String> progress) {
    String remedy =
        isUsual(name)
            ? "Name another with --docker-image, one with Python 3.9 or later."
            : PluginBuild.made(name)
                ? "The Dockerfile in the plugin's package makes it; ask the author for a version"
                    + " whose image has Python 3.9 or later."
                : "The plugin's plugin.yaml names it (docker_image); ask the author for a version"
                    + " that names another, one with Python 3.9 or later.";
    return new ImageFinder(engine, installation, name, remedy, progress);
  }

  /**
   * The name of a plugin's image. Its own, named or built, only where the operator allows that.
   *
   * @param named what its manifest names, or empty
   * @param progress told now and then how far a build is
   * @throws PluginException {@code image_not_allowed}, and what {@link PluginBuild#image} throws
   */
  String nameOf(String named, Path packageDir, Consumer<String> progress) {
    if (isRefused(named)) {
      throw new PluginException(
          ErrorCode.IMAGE_NOT_ALLOWED,
          "The plugin wants to run in the image "
              + named
              + ", which this host does not allow. Serve with --docker-plugin-images if you trust"
              + " it, or ask its author for a version without docker_image.");
    }
    String name = name(named, packageDir);
    return named.isEmpty() && !isUsual(name)
        ? once(built, name, progress, all -> builds.image(packageDir, all))
        : name;
  }

  private boolean isRefused(String named) {
    return !named.isEmpty() && !settings.pluginImages();
  }

  private String name(String named, Path packageDir) {
    if (!named.isEmpty()) {
      return named;
    }
    return settings.pluginImages() && PluginBuild.hasDockerfile(packageDir)
        ? PluginBuild.name(packageDir)
        : settings.image();
  }

  /**
   * Whether the engine has a plugin's image, so that nothing is to be pulled or built. One that
   * somebody has removed is forgotten.
   *
   * @param named as for {@link #nameOf}
   * @throws PluginException {@code sandbox_unavailable}
   */
  boolean has(String named, Path packageDir) {
    if (isRefused(named)) {
      return true; // as soon as it is asked for
    }
    String name = name(named, packageDir);
    DockerImage image = known.made(name);
    if (image != null && isUsual(name)) {
      return true; // containers of it wait, and each question would cost a start
    }
    // Containers are made of what is known, whatever it is called by now.
    boolean there =
        engine.get("/images/" + (image == null ? name : image.id()) + "/json").status() != 404;
    if (!there) {
      known.forget(name);
      built.forget(name);
    }
    return there;
  }

  /** Whoever waits for it is told how far it is, whoever of them is making it. */
  private <V> V once(OncePerKey<V> kept, String key, Consumer<String> progress, Making<V> making) {
    List<Consumer<String>> all = watchers.computeIfAbsent(key, _ -> new CopyOnWriteArrayList<>());
    all.add(progress);
    try {
      return kept.get(key, () -> making.make(line -> all.forEach(watcher -> watcher.accept(line))));
    } finally {
      all.remove(progress);
    }
  }

  /** Makes what is kept, and tells how far it is. */
  @FunctionalInterface
  private interface Making<V> {
    V make(Consumer<String> progress);
  }

  /** Of what the engine refused, the image may be missing by now: the next start looks again. */
  void forget(String name, PluginException why) {
    if (why.code() == ErrorCode.PLUGIN_START_FAILED) {
      known.forget(name);
      built.forget(name);
    }
  }

  /**
   * Deletes the images that were built for other packages than these. Only their names of ours go
   * from images that have others too.
   *
   * @param beforeDeletion sees that containers which have ended are gone, for they hold images
   * @throws PluginException {@code sandbox_unavailable} when some are left
   */
  void keepOnly(Set<Path> packages, Runnable beforeDeletion) {
    Set<String> kept = packages.stream().map(PluginBuild::name).collect(Collectors.toSet());
    String filter = "{\"label\":[\"" + PluginBuild.label(installation) + "\"]}";
    DockerEngine.Answer all = engine.get("/images/json?filters=" + DockerEngine.encoded(filter));
    if (!all.ok()) {
      throw engine.unavailable("it does not list its images: " + all.message(), null);
    }
    List<String> unwanted = new ArrayList<>();
    for (JsonNode image : all.body()) {
      image
          .path("RepoTags")
          .valueStream()
          .map(JsonNode::asString)
          .filter(name -> PluginBuild.made(name) && !kept.contains(name))
          .forEach(unwanted::add);
    }
    if (unwanted.isEmpty()) {
      return;
    }
    beforeDeletion.run();
    List<String> left = new ArrayList<>();
    for (String name : unwanted) {
      known.forget(name);
      built.forget(name);
      DockerEngine.Answer deleted = engine.delete("/images/" + name);
      if (deleted.ok() || deleted.status() == 404) {
        log.info("docker: deleted {}, whose package is gone", name);
      } else {
        left.add(name + " (" + deleted.message() + ")");
      }
    }
    if (!left.isEmpty()) {
      throw engine.unavailable("it keeps images: " + String.join(", ", left), null);
    }
  }

  /** Cuts off the builds under way. */
  @Override
  public void close() {
    builds.close();
  }
}
