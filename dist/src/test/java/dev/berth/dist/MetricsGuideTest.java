package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The tables of metrics in docs/OPERATOR.md have what {@code /metrics} says, and nothing else. */
@Timeout(120)
final class MetricsGuideTest {
  private static final String MAIN =
      """
      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              return {}
      """;
  private static final Pattern TYPE = Pattern.compile("# TYPE (\\S+) (\\S+)");
  private static final Pattern SAMPLE = Pattern.compile("([a-z0-9_]+)(?:\\{(.*)\\})? \\S+");
  private static final Pattern LABEL = Pattern.compile("([a-z_]+)=\"");

  /** What an operator asks of a family: its type, and what tells its samples apart. */
  private record Family(String type, Set<String> labels) {}

  @TempDir Path folder;

  @Test
  void the_operators_guide_names_every_metric() {
    Map<String, Family> said;
    try (var berth = new RunningBerth(folder.resolve("data"))) {
      String id = berth.running(Pack.plugin(folder, "counted", MAIN));
      assertThat(berth.execute(id, "{}").status()).isEqualTo(200);
      said = families(berth.get("/metrics").body());
    }
    Guide guide = Guide.read("OPERATOR.md");
    Map<String, Family> ours = new TreeMap<>();
    for (List<String> row : guide.table("| metric | type | labels | unit | meaning |")) {
      String name = Guide.words(row.get(0)).getFirst();
      ours.put(name, new Family(row.get(1), new TreeSet<>(Guide.words(row.get(2)))));
      assertThat(row.get(3)).as(name).isEqualTo(unit(name));
      assertThat(row.get(4)).as(name).isNotEmpty();
    }
    List<String> others =
        guide.table("| metrics | what they are about |").stream()
            .flatMap(row -> Guide.words(row.getFirst()).stream())
            .map(prefix -> prefix.substring(0, prefix.indexOf('*')))
            .toList();

    Map<String, Family> unnamed = new TreeMap<>(said);
    unnamed.keySet().removeIf(name -> others.stream().anyMatch(name::startsWith));
    assertThat(ours).isEqualTo(unnamed);
    assertThat(others)
        .allSatisfy(prefix -> assertThat(said.keySet()).anyMatch(name -> name.startsWith(prefix)));
  }

  private static Map<String, Family> families(String exposition) {
    Map<String, String> types =
        TYPE.matcher(exposition)
            .results()
            .collect(Collectors.toMap(type -> type.group(1), type -> type.group(2)));
    Map<String, Family> found = new TreeMap<>();
    for (String line : exposition.lines().filter(line -> !line.startsWith("#")).toList()) {
      Matcher sample = SAMPLE.matcher(line);
      assertThat(sample.matches()).as(line).isTrue();
      String name = sample.group(1);
      if (!types.containsKey(name)) {
        name = name.replaceFirst("_(count|sum)$", "");
      }
      assertThat(types).as(line).containsKey(name);
      Set<String> labels =
          sample.group(2) == null
              ? Set.of()
              : LABEL
                  .matcher(sample.group(2))
                  .results()
                  .map(label -> label.group(1))
                  .collect(Collectors.toCollection(TreeSet::new));
      found.put(name, new Family(types.get(name), labels));
    }
    return found;
  }

  /** Prometheus' names end with their unit. */
  private static String unit(String name) {
    String bare = name.replaceFirst("_(total|max)$", "");
    return bare.endsWith("_seconds")
        ? "s"
        : bare.endsWith("_bytes") ? "bytes" : bare.endsWith("_percent") ? "% of one core" : "";
  }
}
