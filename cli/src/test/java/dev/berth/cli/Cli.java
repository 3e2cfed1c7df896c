package dev.berth.cli;

import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/** Runs commands as a shell would, and keeps what they print. */
final class Cli {
  /** What came of a command. */
  record Ran(int exit, String out, String err) {}

  private final Map<String, String> environment = new HashMap<>();
  private LocalOperations local = new FakeLocal();
  private String input = "";
  private boolean terminal;

  static Cli of(FakeServer server) {
    return new Cli().with("BERTH_URL", server.url());
  }

  Cli with(String variable, String value) {
    environment.put(variable, value);
    return this;
  }

  Cli with(LocalOperations operations) {
    local = operations;
    return this;
  }

  Cli input(String text) {
    input = text;
    return this;
  }

  /** Somebody sits there. */
  Cli terminal() {
    terminal = true;
    return this;
  }

  Ran run(String... args) {
    var out = new ByteArrayOutputStream();
    var err = new ByteArrayOutputStream();
    int exit =
        BerthCli.run(
            args,
            new Session(
                new Terminal(
                    new BufferedReader(new StringReader(input)),
                    new PrintStream(out, true, StandardCharsets.UTF_8),
                    new PrintStream(err, true, StandardCharsets.UTF_8),
                    terminal,
                    terminal,
                    terminal,
                    80),
                local,
                environment));
    return new Ran(
        exit, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
  }
}
