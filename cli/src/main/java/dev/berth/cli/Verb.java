package dev.berth.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Option;

/** One verb of the command line. */
abstract class Verb implements Callable<Integer> {
  final Session session;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this.")
  boolean help;

  Verb(Session session) {
    this.session = session;
  }

  Terminal terminal() {
    return session.terminal();
  }

  abstract ExitCode run();

  @Override
  public final Integer call() {
    return run().number();
  }
}
