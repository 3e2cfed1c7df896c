package dev.berth.cli;

import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;

/** What stands before the verbs. */
@Command(
    name = "berth",
    mixinStandardHelpOptions = true,
    versionProvider = Root.Version.class,
    synopsisSubcommandLabel = "VERB",
    description = "Hosts third-party plugins of a chat system, each in a sandbox of its own.",
    commandListHeading = "%nVerbs, each with --help:%n",
    exitCodeListHeading = "%nExit codes:%n",
    footerHeading = "%nVariables:%n",
    footer = {
      "  BERTH_URL        The server, http://127.0.0.1:8000 without it.",
      "  BERTH_API_KEY    The key to show it, where it wants one.",
      "  BERTH_DATA       Data folder of serve, key and doctor; else .berth/data here.",
      "  BERTH_LOG        Level of a server's log: ERROR, WARN, INFO (else) or DEBUG.",
      "  BERTH_JAVA_OPTS  More options for Java."
    })
final class Root {
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {VersionVerb.text()};
    }
  }
}
