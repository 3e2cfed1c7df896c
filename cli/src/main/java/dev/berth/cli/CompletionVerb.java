package dev.berth.cli;

import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
    name = "completion",
    description = "Print a script that makes a shell complete berth's words.",
    footer = {"", "For bash and zsh alike:", "  source <(berth completion bash)"})
final class CompletionVerb extends Verb {
  /** The shells; one script serves both. */
  enum Shell {
    bash,
    zsh
  }

  @Spec CommandSpec spec = CommandSpec.create();

  @Parameters(paramLabel = "SHELL", description = "${COMPLETION-CANDIDATES}.")
  Shell shell = Shell.bash;

  CompletionVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    terminal().out().print(AutoComplete.bash("berth", spec.root().commandLine()));
    return ExitCode.OK;
  }
}
