package dev.berth.cli;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** The command line of Berth. */
public final class BerthCli {
  /** Verbs that tell of the others. */
  private static final Set<String> ABOUT_ALL = Set.of("help", "completion");

  private BerthCli() {}

  /**
   * Runs one command.
   *
   * @param args the words after {@code berth}
   * @param local what REST can't do
   * @param out for what was asked for
   * @param err for errors and progress
   * @return the exit code; docs/OPERATOR.md lists them
   */
  public static int run(String[] args, LocalOperations local, PrintStream out, PrintStream err) {
    Map<String, String> environment = System.getenv();
    return run(args, new Session(Terminal.ofProcess(out, err, environment), local, environment));
  }

  static int run(String[] args, Session session) {
    Terminal terminal = session.terminal();
    var out = new PrintWriter(terminal.out(), true, StandardCharsets.UTF_8);
    var err = new PrintWriter(terminal.err(), true, StandardCharsets.UTF_8);
    try {
      CommandLine commandLine = commandLine(session, args.length == 0 ? "" : args[0]);
      if (args.length == 0) {
        commandLine.usage(err, Ansi.OFF);
        return ExitCode.USAGE.number();
      }
      return commandLine
          .setOut(out)
          .setErr(err)
          .setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF))
          .setParameterExceptionHandler((e, _) -> misused(e, terminal))
          .setExecutionExceptionHandler(
              (e, _, _) -> failed(e, terminal, Arrays.asList(args).contains("--json")))
          .execute(args);
    } finally {
      out.flush();
      err.flush();
      terminal.out().flush();
      terminal.err().flush();
    }
  }

  /** By name, in the order in which help lists them. */
  static Map<String, Function<Session, Object>> verbs() {
    var verbs = new LinkedHashMap<String, Function<Session, Object>>();
    verbs.put("install", InstallVerb::new);
    verbs.put("enable", EnableVerb::new);
    verbs.put("disable", DisableVerb::new);
    verbs.put("execute", ExecuteVerb::new);
    verbs.put("list", ListVerb::new);
    verbs.put("info", InfoVerb::new);
    verbs.put("config", ConfigVerb::new);
    verbs.put("health", HealthVerb::new);
    verbs.put("logs", LogsVerb::new);
    verbs.put("errors", ErrorsVerb::new);
    verbs.put("stats", StatsVerb::new);
    verbs.put("top", TopVerb::new);
    verbs.put("update", UpdateVerb::new);
    verbs.put("uninstall", UninstallVerb::new);
    verbs.put("serve", ServeVerb::new);
    verbs.put("demo", DemoVerb::new);
    verbs.put("doctor", DoctorVerb::new);
    verbs.put("key", BerthCli::key);
    verbs.put("completion", CompletionVerb::new);
    verbs.put("version", VersionVerb::new);
    verbs.put("help", _ -> new HelpCommand());
    return verbs;
  }

  private static CommandLine key(Session session) {
    return new CommandLine(new KeyVerb(session))
        .addSubcommand(new KeyVerb.Create(session))
        .addSubcommand(new KeyVerb.ListKeys(session))
        .addSubcommand(new KeyVerb.Revoke(session));
  }

  /**
   * @param verb the first word; where it needs no other verb, no other is made: making all of them
   *     takes a tenth of a second
   */
  private static CommandLine commandLine(Session session, String verb) {
    var root = new CommandLine(new Root());
    Map<String, Function<Session, Object>> verbs = verbs();
    if (verbs.containsKey(verb) && !ABOUT_ALL.contains(verb)) {
      verbs.keySet().retainAll(Set.of(verb));
    }
    verbs.values().forEach(maker -> root.addSubcommand(maker.apply(session)));
    Map<String, String> exits = new LinkedHashMap<>();
    for (ExitCode code : ExitCode.values()) {
      exits.put(" " + code.number(), code.meaning());
    }
    root.getCommandSpec().usageMessage().exitCodeList(exits);
    root.setCaseInsensitiveEnumValuesAllowed(true);
    // @FILE is a context here, not words of the command line.
    root.setExpandAtFiles(false);
    return root;
  }

  private static int misused(ParameterException e, Terminal terminal) {
    CommandLine command = e.getCommandLine();
    String remedy =
        e instanceof UnmatchedArgumentException unmatched && !unmatched.getUnmatched().isEmpty()
            ? Nearest.hint(unmatched.getUnmatched().getFirst(), command.getSubcommands().keySet())
            : "";
    terminal
        .err()
        .println(
            Terminal.printable(
                "berth: %s%s%n`%s --help` shows what it takes."
                    .formatted(e.getMessage(), remedy, command.getCommandSpec().qualifiedName())));
    return ExitCode.USAGE.number();
  }

  private static int failed(Exception e, Terminal terminal, boolean json) {
    return switch (e) {
      case PluginException failure -> {
        terminal.err().println(json ? json(failure) : text(failure));
        yield ExitCode.of(failure).number();
      }
      case UncheckedIOException broken -> {
        IOException cause = broken.getCause();
        terminal.err().println(Terminal.printable("berth: " + cause));
        yield ExitCode.FAILED.number();
      }
      default -> {
        terminal.err().println(Terminal.printable("berth: a fault of berth itself: " + e));
        e.printStackTrace(terminal.err());
        yield ExitCode.FAILED.number();
      }
    };
  }

  private static String text(PluginException failure) {
    String code =
        failure.details().get(Problem.DETAIL) instanceof Problem problem
            ? problem.code()
            : failure.code().wireName();
    return Terminal.printable("berth: " + failure.getMessage().stripTrailing())
        + (ExitCode.of(failure) == ExitCode.USAGE || code.isEmpty()
            ? ""
            : " [" + Terminal.oneLine(code) + "]");
  }

  private static String json(PluginException failure) {
    if (failure.details().get(Problem.DETAIL) instanceof Problem problem) {
      return JsonText.escaped(problem.json().strip());
    }
    var members = new LinkedHashMap<String, String>();
    members.put("code", failure.code().wireName());
    members.put("detail", failure.getMessage());
    return JsonText.escaped(JsonText.compact(members));
  }
}
