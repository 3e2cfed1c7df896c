package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "uninstall",
    description = "Stop a plugin and forget it, with its settings, data and log.")
final class UninstallVerb extends PluginVerb {
  @Option(
      names = {"-y", "--yes"},
      description = "Don't ask.")
  boolean yes;

  UninstallVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    if (!yes && !agreed(plugin)) {
      terminal().err().println("berth: Nothing was uninstalled.");
      return ExitCode.FAILED;
    }
    Reply reply = plugins.uninstall(plugin);
    if (json) {
      printJson(reply);
    } else {
      terminal().line("Uninstalled " + plugin + ".");
    }
    return ExitCode.OK;
  }

  private boolean agreed(Ref plugin) {
    if (!terminal().inTerminal()) {
      throw ExitCode.usage(
          "Uninstalling "
              + plugin
              + " takes its settings, data and log with it. Add --yes to do it.");
    }
    String answer =
        terminal().ask("Uninstall " + plugin + " with its settings, data and log? [y/N] ");
    return answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
  }
}
