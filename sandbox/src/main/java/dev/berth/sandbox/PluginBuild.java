package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Sha256;
import dev.berth.api.Text;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Builds the image that a package's Dockerfile describes, where the operator allows it.
 *
 * <p>Its commands run without a network and with bounded memory and CPU. The engine itself would
 * fetch what ADD names, from wherever the engine can reach, so ADD is refused; it fetches the image
 * of FROM, as it does for {@code docker_image}.
 */
final class PluginBuild implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(PluginBuild.class);
  private static final String DOCKERFILE = "Dockerfile";
  private static final String REPOSITORY = "berth-plugin:";

  /** Another than the containers': those that somebody makes of an image inherit its labels. */
  private static final String LABEL = Containers.LABEL + ".plugin";

  private static final int MAX_DOCKERFILE = 1 << 16;
  private static final long MEMORY = 1L << 30;
  private static final int KEPT_LINES = 30;

  // An instruction may go on after a line's end; which character says so the file itself can
  // choose.
  private static final Pattern CONTINUED = Pattern.compile("[\\\\`][ \\t]*\\r?\\n");
  private static final Pattern ADD =
      Pattern.compile("^\\s*(ONBUILD\\s+)*ADD\\b", Pattern.CASE_INSENSITIVE | Pattern.MULTILINE);

  private static final String PACK =
      "import sys; sys.path.insert(1, sys.argv[1]); from berth_runtime import context;"
          + " context.main(sys.argv[2])";

  private final DockerEngine engine;
  private final String installation;
  private final Path python;
  private final Path runtime;
  private final Path notes;
  private final BuildsUnderWay underWay = new BuildsUnderWay();

  /**
   * @param installation whose the images are
   * @param python an interpreter of this machine's
   * @param runtime the folder of the Python files
   * @param notes the folder for notes of what builds have made
   */
  PluginBuild(DockerEngine engine, String installation, Path python, Path runtime, Path notes) {
    this.engine = engine;
    this.installation = installation;
    this.python = python;
    this.runtime = runtime;
    this.notes = notes;
  }

  /** What the images of an installation are found by. */
  static String label(String installation) {
    return LABEL + "=" + installation;
  }

  /** Whether an image of this name is one that was built here. */
  static boolean made(String name) {
    return name.startsWith(REPOSITORY);
  }

  /** What the image of a package is called. */
  static String name(Path packageDir) {
    return REPOSITORY + key(packageDir);
  }

  static boolean hasDockerfile(Path packageDir) {
    return Files.isRegularFile(packageDir.resolve(DOCKERFILE), LinkOption.NOFOLLOW_LINKS);
  }

  /**
   * The name of the package's image, which is built when the engine hasn't got it.
   *
   * @param progress told of the build's steps, not of each when they are many
   * @throws PluginException {@code plugin_start_failed} with the end of the build's output, {@code
   *     sandbox_unavailable}, {@code shutting_down}
   */
  String image(Path packageDir, Consumer<String> progress) {
    String name = name(packageDir);
    if (engine.get("/images/" + name + "/json").ok()) {
      return name;
    }
    check(packageDir);
    build(packageDir, name, progress);
    return name;
  }

  /** Packages are immutable, and each is in a folder named by its digest. */
  private static String key(Path packageDir) {
    return Sha256.hex(packageDir.toAbsolutePath().toString()).substring(0, 32);
  }

  private static void check(Path packageDir) {
    Path file = packageDir.resolve(DOCKERFILE);
    try {
      if (Files.size(file) > MAX_DOCKERFILE) {
        throw failed("its Dockerfile is larger than 64 KiB", "");
      }
      String text = Files.readString(file, StandardCharsets.ISO_8859_1);
      if (refuses(text)) {
        throw failed("its Dockerfile has ADD, which could fetch from anywhere; use COPY", "");
      }
    } catch (IOException e) {
      throw failed("its Dockerfile can't be read: " + e, "");
    }
  }

  /** Whether a Dockerfile may make the engine fetch something. */
  static boolean refuses(String dockerfile) {
    return ADD.matcher(CONTINUED.matcher(dockerfile).replaceAll("")).find();
  }

  private void build(Path packageDir, String name, Consumer<String> progress) {
    log.info("docker: building {} from the Dockerfile of {}", name, packageDir.getFileName());
    progress.accept("building it from its Dockerfile");
    String query =
        "/build?version=1&rm=1&forcerm=1&networkmode=none&memory="
            + MEMORY
            + "&memswap="
            + MEMORY
            + "&cpuperiod=100000&cpuquota=100000&t="
            + DockerEngine.encoded(name)
            + "&labels="
            + DockerEngine.encoded("{\"" + LABEL + "\":\"" + installation + "\"}");
    BuildRemains remains = remains();
    underWay.run(() -> build(packageDir, query, remains, progress), remains::delete);
  }

  private BuildRemains remains() {
    try {
      return BuildRemains.begin(engine, notes);
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "The plugin has no image to run in: " + notes + " can't be written: " + e + ".",
          e);
    }
  }

  private void build(
      Path packageDir, String query, BuildRemains remains, Consumer<String> progress) {
    Deque<String> said = new ArrayDeque<>();
    long[] toldAt = {System.nanoTime()};
    String[] error = {""};
    Process pack = pack(packageDir);
    try {
      engine.build(
          query,
          pack.getInputStream(),
          line -> {
            String text = line.path("stream").asString("").strip();
            if (!text.isEmpty()) {
              remains.heard(text);
              if (said.size() == KEPT_LINES) {
                said.removeFirst();
              }
              said.addLast(Text.printable(text, 500));
              long now = System.nanoTime();
              if (text.startsWith("Step ") && now - toldAt[0] >= PullProgress.EVERY_NANOS) {
                toldAt[0] = now;
                progress.accept(Text.printable(text, 200));
              }
            }
            String why = DockerEngine.error(line);
            error[0] = why.isEmpty() ? error[0] : why;
          });
    } catch (TimeoutException e) {
      throw failed("its Dockerfile was not built within 10 minutes", String.join("\n", said));
    } finally {
      pack.destroyForcibly();
    }
    if (!error[0].isEmpty()) {
      throw failed(
          "its Dockerfile could not be built (its commands have no network): "
              + Text.printable(error[0], 500),
          String.join("\n", said));
    }
  }

  private Process pack(Path packageDir) {
    var builder =
        HostPython.program(python, "-c", PACK, runtime.toString(), packageDir.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD);
    try {
      return builder.start();
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "The plugin has no image to run in: "
              + python
              + ", which packs its files for the engine, can't be started: "
              + e
              + ". Put a Python of 3.9 or later first on the host's PATH and start it again.",
          e);
    }
  }

  /** Deletes what builds of a dead host have left. */
  void reap() throws IOException {
    BuildRemains.deleteAll(engine, notes);
  }

  /** Cuts off the builds under way, and waits until nothing of them is left. */
  @Override
  public void close() {
    underWay.close();
  }

  private static PluginException failed(String why, String output) {
    return new PluginException(
        ErrorCode.PLUGIN_START_FAILED,
        "The plugin has no image to run in: " + why + (output.isEmpty() ? "." : "\n" + output));
  }
}
