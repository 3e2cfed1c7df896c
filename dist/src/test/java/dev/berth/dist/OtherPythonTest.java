package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.dist.RunningBerth.Answer;
import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/** Dependencies of plugins in an image whose Python is of another version than the host's. */
@Timeout(180)
final class OtherPythonTest {
  /** The minor versions of Python 3 that the index has something for. */
  private static final int OLDEST = 9;

  private static final int NEWEST = 20;

  /** Its dependencies say which Python they are for. */
  private static final String MAIN =
      """
      import sys
      import berth_compiled, berth_marked, berth_required

      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              return {
                  "python": "3.%d" % sys.version_info[1],
                  "marked": berth_marked.WHICH,
                  "required": berth_required.WHICH,
                  "compiled": berth_compiled.WHICH,
              }
      """;

  @TempDir Path folder;

  /** One project is chosen by markers, one by Requires-Python, one by the wheel's tag. */
  private static void fill(PackageIndex index) {
    for (int minor = OLDEST; minor <= NEWEST; minor++) {
      String version = "3." + minor;
      String tag = "cp3%d-cp3%1$d-manylinux_2_17_x86_64.manylinux_2_17_aarch64".formatted(minor);
      index.wheel("berth_marked", version, "py3-none-any", ">=3.9", version);
      index.wheel("berth_required", version, "py3-none-any", ">=" + version, version);
      index.wheel("berth_compiled", "1.0", tag, ">=3.9", version);
    }
  }

  private Path plugin(String name, String yaml) {
    String requirements =
        IntStream.rangeClosed(OLDEST, NEWEST)
            .mapToObj("  - berth-marked==3.%d; python_version == '3.%1$d'\n"::formatted)
            .collect(Collectors.joining());
    return Pack.plugin(
        folder,
        name,
        "1.0.0",
        yaml + "dependencies:\n  - berth-required\n  - berth-compiled\n" + requirements,
        MAIN);
  }

  private static String running(ServeProcess berth, Path archive) {
    Answer installed = berth.upload("/api/plugins/install", archive);
    assertThat(installed.status()).as(installed.body()).isEqualTo(200);
    String id = installed.json().path("plugin_id").asString();
    Answer enabled = berth.post("/api/plugins/" + id + "/enable", "");
    assertThat(enabled.status()).as(enabled.body()).isEqualTo(200);
    return id;
  }

  /** The Python that the plugin ran on; all its dependencies have to be those for it. */
  private static String python(ServeProcess berth, String id) {
    Answer answer = berth.execute(id, "{}");
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    JsonNode result = answer.json().path("result");
    String python = result.path("python").asString();
    for (String dependency : new String[] {"marked", "required", "compiled"}) {
      assertThat(result.path(dependency).asString()).as(result.toString()).isEqualTo(python);
    }
    return python;
  }

  private Path[] locks(Path data) throws IOException {
    try (Stream<Path> all = Files.list(data.resolve("site"))) {
      return all.toArray(Path[]::new);
    }
  }

  @Test
  void dependencies_are_those_for_the_python_of_the_image_whichever_it_is() throws IOException {
    Assumptions.assumeTrue(
        DockerEngineHere.available() && DockerEngineHere.has(DockerEngineHere.OTHER_IMAGE),
        "needs a Docker engine that has the images "
            + DockerEngineHere.IMAGE
            + " and "
            + DockerEngineHere.OTHER_IMAGE);
    Path data = folder.resolve("data");
    String here = PythonInterpreter.find().version().replaceFirst("\\.\\d+$", "");
    try (var index = new PackageIndex()) {
      fill(index);
      String id;
      String other;
      try (var berth = serve(data, index, DockerEngineHere.OTHER_IMAGE)) {
        id = running(berth, plugin("in-the-hosts", ""));
        other = python(berth, id);
        assertThat(other).as("of " + DockerEngineHere.OTHER_IMAGE).isNotEqualTo(here);
      }
      Path[] before = locks(data);
      assertThat(before).hasSize(1);
      // Enabled, it is locked again for what the host's image has now, and started.
      try (var berth = serve(data, index, DockerEngineHere.IMAGE)) {
        String usual = python(berth, id);
        assertThat(usual).as("of " + DockerEngineHere.IMAGE).isNotEqualTo(other);
        Eventually.is("what was locked for the other is gone", () -> Files.notExists(before[0]));
        String own = "docker_image: " + DockerEngineHere.OTHER_IMAGE + "\n";
        assertThat(python(berth, running(berth, plugin("in-its-own", own)))).isEqualTo(other);
        assertThat(python(berth, id)).isEqualTo(usual);
        assertThat(locks(data)).hasSize(2).contains(before[0]);
      }
    }
  }

  private static ServeProcess serve(Path data, PackageIndex index, String image) {
    return new ServeProcess(
        data,
        index.environment(),
        "--sandbox",
        "docker",
        "--docker-plugin-images",
        "--docker-image",
        image);
  }
}
