package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.databind.JsonNode;

/**
 * Sees that the engine has an image, pulls it where it hasn't, and asks its Python what it is, by
 * running it.
 */
final class ImageFinder {
  private static final Logger log = LoggerFactory.getLogger(ImageFinder.class);

  // What the runtime imports, beyond what every Python has.
  private static final String QUESTION =
      """
      import os, sys
      try:
          import asyncio, concurrent.futures, ctypes, json, logging, selectors, socket, struct
          import importlib.machinery as m
      except ImportError as e:
          print('missing', e.name)
      else:
          print('berth', sys.implementation.name, *sys.version_info[:3])
          print(m.EXTENSION_SUFFIXES[0])
          print(sys.executable)
          libc = os.confstr('CS_GNU_LIBC_VERSION') if 'CS_GNU_LIBC_VERSION' in os.confstr_names else ''
          print('libc', libc or '')
      """;

  private final DockerEngine engine;
  private final String installation;
  private final String name;
  private final String remedy;
  private final Consumer<String> progress;

  /**
   * @param installation whose the container is that is made to ask in
   * @param name the image
   * @param remedy what helps where it can't be used, a sentence
   * @param progress told now and then how far a pull is, one line
   */
  ImageFinder(
      DockerEngine engine,
      String installation,
      String name,
      String remedy,
      Consumer<String> progress) {
    this.engine = engine;
    this.installation = installation;
    this.name = name;
    this.remedy = remedy;
    this.progress = progress;
  }

  /**
   * @throws PluginException {@code sandbox_unavailable}: there is no such image, or no Python of
   *     3.9 or later in it
   */
  DockerImage find() {
    DockerEngine.Answer found = engine.get("/images/" + name + "/json");
    if (found.status() == 404) {
      pull();
      found = engine.get("/images/" + name + "/json");
    }
    if (!found.ok()) {
      throw unusable("the engine says: " + found.message());
    }
    JsonNode config = found.body().path("Config");
    List<String> environment =
        config
            .path("Env")
            .valueStream()
            .map(variable -> variable.asString().replaceFirst("=.*", ""))
            .toList();
    List<String> volumes = List.copyOf(config.path("Volumes").propertyNames());
    if (!volumes.isEmpty()) {
      log.warn(
          "docker: the image {} has volumes, which plugins see as empty folders: {}",
          name,
          Text.printable(String.join(", ", volumes), 300));
    }
    String id = found.body().path("Id").asString();
    List<String> answer = ask(id);
    if (!answer.isEmpty() && answer.getFirst().startsWith("missing ")) {
      throw unusable(
          "its Python has no module '"
              + Text.printable(answer.getFirst().substring(8), 60)
              + "', which the runtime needs; install the whole standard library in it (Debian:"
              + " python3, not python3-minimal)");
    }
    return new DockerImage(id, environment, volumes, interpreter(answer));
  }

  private PythonInterpreter interpreter(List<String> answer) {
    try {
      // Where the C library has no version to tell, the fourth line is the word alone.
      String libc = answer.size() == 4 ? answer.get(3).substring(4).strip() : "";
      List<String> told = answer.size() == 4 ? answer.subList(0, 3) : answer;
      return PythonInterpreter.told(told, Path.of(told.size() == 3 ? told.get(2) : "/"))
          .withLibc(libc.matches("glibc \\d+\\.\\d+.*") ? libc.replace(' ', '-') : "");
    } catch (PluginException e) {
      throw unusable(String.valueOf(e.getMessage()));
    }
  }

  private PluginException unusable(String why) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        "The image " + name + " can't be used: " + why + ". " + remedy);
  }

  private void pull() {
    tell("pulling " + name);
    String tag = name.contains("@") || name.matches(".*:[^/]+") ? "" : "&tag=latest";
    String[] error = {""};
    var layers = new PullProgress(name, System::nanoTime, this::tell);
    engine.pull(
        "/images/create?fromImage=" + DockerEngine.encoded(name) + tag,
        line -> {
          String why = DockerEngine.error(line);
          if (!why.isEmpty()) {
            error[0] = Text.printable(why, 300);
          } else if (line.has("id")) {
            layers.heard(line);
          } else {
            log.info("docker: {}", Text.printable(line.path("status").asString(""), 200));
          }
        });
    if (!error[0].isEmpty()) {
      throw unusable(
          "the engine doesn't have it and can't pull it ("
              + error[0]
              + "); fetch it with `docker pull "
              + name
              + "` where there is a network, or `docker load` it");
    }
  }

  private void tell(String line) {
    log.info("docker: {}", line);
    progress.accept(line);
  }

  /** Runs the question in a container of its own, as locked up as a plugin's. */
  private List<String> ask(String id) {
    Map<String, Object> body =
        Map.of(
            "Image", id,
            "Entrypoint", List.of("python3", "-I", "-S", "-c", QUESTION),
            "Cmd", List.of(),
            "User", "65534:65534",
            "Labels", Map.of(Containers.LABEL + ".installation", installation),
            "HostConfig",
                Map.of(
                    "NetworkMode",
                    "none",
                    "ReadonlyRootfs",
                    true,
                    "CapDrop",
                    List.of("ALL"),
                    "SecurityOpt",
                    List.of("no-new-privileges"),
                    "Memory",
                    256L << 20,
                    "PidsLimit",
                    64,
                    "LogConfig",
                    Map.of("Type", "json-file")));
    DockerEngine.Answer made = engine.post("/containers/create", body);
    if (made.status() >= 500) {
      throw engine.unavailable("it made no container: " + made.message(), null);
    }
    if (!made.ok()) {
      throw unusable("no container could be made: " + made.message());
    }
    String container = made.body().path("Id").asString();
    try {
      DockerEngine.Answer started = engine.post("/containers/" + container + "/start", null);
      if (!started.ok()) {
        // The engine says 400 or, of older ones, 500 for a program that isn't there.
        throw started.status() < 500 || started.message().contains("executable file not found")
            ? unusable("its python3 doesn't start: " + started.message())
            : engine.unavailable("it did not start a container: " + started.message(), null);
      }
      DockerEngine.Answer ended = engine.post("/containers/" + container + "/wait", null);
      JsonNode status = ended.body().path("StatusCode");
      List<String> lines = engine.logs(container);
      if (status.asInt(-1) != 0) {
        throw unusable("its python3 ended with status " + status + ": " + String.join(" ", lines));
      }
      return new ArrayList<>(lines);
    } finally {
      DockerEngine.evenInterrupted(() -> {
        var _ = engine.remove(container);
      });
    }
  }
}
