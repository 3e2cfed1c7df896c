package dev.berth.cli;

import java.io.PrintStream;

/** The command line of Berth. */
public final class BerthCli {
  private BerthCli() {}

  /**
   * Runs one command.
   *
   * @param args the words after {@code berth}
   * @param local what REST can't do
   * @param out for what was asked for
   * @param err for errors and progress
   * @return the exit code, see docs/OPERATOR.md
   */
  public static int run(String[] args, LocalOperations local, PrintStream out, PrintStream err) {
    err.println("berth: " + args.length + " words given, and no verb is built yet");
    return 1;
  }
}
