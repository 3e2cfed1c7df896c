package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.cli.BerthCli;
import dev.berth.host.HostSettings;
import dev.berth.sandbox.Ceilings;
import dev.berth.sandbox.DockerSandboxSettings;
import dev.berth.sandbox.SandboxSpec;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** What the guides say of limits, images and error codes is what the code has. */
final class GuidesTest {
  private static final Guide OPERATOR = Guide.read("OPERATOR.md");

  @Test
  void every_limit_that_a_failure_names_is_in_the_operators_table() {
    Map<String, String> told = new TreeMap<>();
    for (List<String> row :
        OPERATOR.table("| limit | what | how much | set by | when it is reached |")) {
      Guide.words(row.get(0)).forEach(name -> told.put(name, row.get(2)));
    }

    assertThat(told.keySet()).isEqualTo(ProblemSchema.limits());
    assertThat(told)
        .containsEntry("pids", Integer.toString(Ceilings.DEFAULT.pids()))
        .containsEntry("open_files", Integer.toString(Ceilings.DEFAULT.openFiles()))
        .containsEntry("file_mb", Integer.toString(Ceilings.DEFAULT.fileMb()))
        .containsEntry("tmp_mb", Integer.toString(Ceilings.DEFAULT.tmpMb()))
        .containsEntry("data_mb", Long.toString(SandboxSpec.DATA_BYTES >> 20));
    assertThat(OPERATOR.text())
        .contains("| " + Ceilings.DEFAULT.cpus() + " CPUs |")
        .contains("| %,d MiB |".formatted(HostSettings.Egress.DEFAULT.hourlyBytes() >> 20));
  }

  @Test
  void the_image_of_containers_is_named_where_it_can_be_changed() {
    String image = DockerSandboxSettings.IMAGE + " unless";

    assertThat(OPERATOR.text().replace("`", "")).contains(image);
    assertThat(Guide.read("EMBEDDER.md").text()).contains(image);
    assertThat(help("serve")).contains(image);
  }

  private static String help(String verb) {
    var out = new ByteArrayOutputStream();
    var stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    assertThat(BerthCli.run(new String[] {verb, "--help"}, new Distribution(), stream, stream))
        .isZero();
    return out.toString(StandardCharsets.UTF_8).replaceAll("\\s+", " ");
  }

  @Test
  void the_codes_that_authors_are_told_of_are_codes() {
    var codes =
        Arrays.stream(ErrorCode.values()).map(ErrorCode::wireName).collect(Collectors.toSet());
    List<String> told =
        Guide.read("AUTHOR.md").table("| code | what it means, and what to do |").stream()
            .flatMap(row -> Guide.words(row.getFirst()).stream())
            .toList();

    assertThat(codes).containsAll(told);
    assertThat(told).doesNotHaveDuplicates().hasSizeGreaterThan(20);
  }
}
