package dev.berth.dist;

import dev.berth.cli.BerthCli;

/** The program. */
public final class Main {
  private Main() {}

  /** Runs one command of {@code berth} and exits with its code. */
  public static void main(String[] args) {
    System.exit(BerthCli.run(args, new Distribution(), System.out, System.err));
  }
}
