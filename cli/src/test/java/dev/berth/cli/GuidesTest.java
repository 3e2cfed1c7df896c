package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** What the guides say of the command line is what it takes. */
class GuidesTest {
  private static final Pattern OPTION = Pattern.compile("(?<![\\w-])--[a-z][a-z-]*");
  private static final Pattern COMMAND = Pattern.compile("(?:\\./|[`\n ])berth ([a-z]+)\\b");
  private static final Pattern VARIABLE = Pattern.compile("BERTH_[A-Z_]+");

  /** Commands of others in the guides. */
  private static final Pattern FOREIGN =
      Pattern.compile("`docker [^`]*`|`--enable-native-access[^`]*`|--host-uds=open");

  private final CommandLine berth = commands();

  private static CommandLine commands() {
    var root = new CommandLine(new Root());
    var session = new Session(null, new FakeLocal(), Map.of());
    BerthCli.verbs().forEach((verb, maker) -> root.addSubcommand(verb, maker.apply(session)));
    return root;
  }

  private static String text(String file) throws IOException {
    return Files.readString(Path.of("..").resolve(file));
  }

  private static Set<String> found(Pattern pattern, String text) {
    return pattern
        .matcher(text)
        .results()
        .map(found -> found.group(found.groupCount()))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  /** The cells of the table that begins with {@code heading}, row by row. */
  private static List<List<String>> table(String text, String heading) {
    List<String> lines = text.lines().toList();
    assertThat(lines).contains(heading);
    return lines.subList(lines.indexOf(heading) + 2, lines.size()).stream()
        .takeWhile(line -> line.startsWith("|"))
        .map(line -> List.of(line.substring(1).strip().split("\\s*\\|\\s*", -1)))
        .toList();
  }

  private static String bare(String cell) {
    return cell.replace("`", "").replaceFirst(" .*", "");
  }

  @Test
  void the_operators_guide_has_every_option_of_serve_and_its_default() throws IOException {
    Map<String, String> taken = new TreeMap<>();
    for (OptionSpec option : berth.getSubcommands().get("serve").getCommandSpec().options()) {
      String value = String.valueOf((Object) option.getValue());
      taken.put(option.longestName(), Set.of("false", "[]").contains(value) ? "" : value);
    }
    taken.remove("--help");
    Map<String, String> told = new TreeMap<>();
    for (List<String> row : table(text("docs/OPERATOR.md"), "| option | unless told | meaning |")) {
      told.put(bare(row.get(0)), bare(row.get(1)));
    }

    assertThat(told).isEqualTo(taken);
  }

  @ParameterizedTest
  @ValueSource(strings = {"docs/OPERATOR.md", "docs/AUTHOR.md", "docs/EMBEDDER.md", "README.md"})
  void the_guides_name_no_option_and_no_verb_that_is_not(String guide) throws IOException {
    String text = FOREIGN.matcher(text(guide)).replaceAll("");
    Set<String> options = new TreeSet<>();
    berth.getSubcommands().values().forEach(verb -> addOptions(verb, options));
    options.add("--help");

    assertThat(options).containsAll(found(OPTION, text));
    assertThat(berth.getSubcommands().keySet()).containsAll(found(COMMAND, text));
  }

  private static void addOptions(CommandLine command, Set<String> options) {
    command.getCommandSpec().options().forEach(one -> options.addAll(Arrays.asList(one.names())));
    command.getSubcommands().values().forEach(one -> addOptions(one, options));
  }

  @Test
  void the_operators_guide_has_every_variable_of_the_help() throws IOException {
    String help = new Cli().run("help").out();
    Set<String> told =
        table(text("docs/OPERATOR.md"), "| variable | read by | meaning |").stream()
            .map(row -> bare(row.getFirst()))
            .collect(Collectors.toCollection(TreeSet::new));
    told.remove("DOCKER_HOST"); // another program's

    assertThat(told).isEqualTo(found(VARIABLE, help));
  }

  @Test
  void help_and_the_guide_and_the_python_client_have_the_same_exit_codes() throws IOException {
    String help = new Cli().run("help").out().replaceAll("\\s+", " ");
    Map<String, String> told = new LinkedHashMap<>();
    table(text("docs/OPERATOR.md"), "| code | meaning |")
        .forEach(row -> told.put(row.get(0), row.get(1)));
    Map<String, String> real = new LinkedHashMap<>();
    String constants = "";
    for (ExitCode code : ExitCode.values()) {
      real.put(Integer.toString(code.number()), code.meaning());
      assertThat(help).contains(" " + code.number() + " " + code.meaning());
      constants += code.name() + " = " + code.number() + "\n";
    }

    assertThat(told).isEqualTo(real);
    assertThat(text("python/sdk/plugin/exit_codes.py")).contains("\n" + constants);
  }

  static Set<String> verbs() {
    return BerthCli.verbs().keySet();
  }

  @ParameterizedTest
  @MethodSource("verbs")
  void help_has_every_verb(String verb) {
    Cli.Ran ran = new Cli().run("help", verb);

    assertThat(ran.exit()).isZero();
    assertThat(ran.out()).contains("berth " + verb);
    assertThat(new Cli().run("help").out()).contains("\n  " + verb + " ");
  }
}
