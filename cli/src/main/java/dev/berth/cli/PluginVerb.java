package dev.berth.cli;

import picocli.CommandLine.Parameters;

/** A verb about one plugin. */
abstract class PluginVerb extends RestVerb {
  @Parameters(
      index = "0",
      paramLabel = "PLUGIN",
      description = "A plugin's name or id, as `berth list` shows them.")
  String plugin = "";

  PluginVerb(Session session) {
    super(session);
  }

  @Override
  final ExitCode run() {
    try (Plugins plugins = plugins()) {
      return run(plugins, plugins.find(plugin));
    }
  }

  abstract ExitCode run(Plugins plugins, Plugins.Ref plugin);
}
