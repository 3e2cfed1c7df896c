package dev.berth.cli;

import dev.berth.api.PluginException;
import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.JsonNode;

@Command(
    name = "install",
    description = "Check a plugin's archive and register it, not enabled.",
    footer = {
      "",
      "Examples:",
      "  berth install my-plugin-1.0.0.tar.gz",
      "  berth install ./my-plugin --enable",
      "  berth install my-plugin.zip --config endpoint=https://api.example.com --config api_key=-"
    })
final class InstallVerb extends RestVerb {
  @Parameters(
      paramLabel = "FILE",
      description =
          "A .tar.gz, .tgz or .zip; or a plugin's folder, which is packed first; or a URL the server fetches.")
  String source = "";

  @Mixin SettingsOptions settings = new SettingsOptions();

  @Option(
      names = "--enable",
      description = "Enable it too. With --json, the answers are then two lines.")
  boolean enable;

  InstallVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    String config = settings.json(terminal());
    try (Plugins plugins = plugins()) {
      return run(plugins, config);
    }
  }

  private ExitCode run(Plugins plugins, @Nullable String config) {
    JsonNode installed;
    try (Archive archive = Archive.of(source);
        Progress progress = Progress.on(terminal(), json)) {
      Reply reply = plugins.install(archive.body(config), progress);
      installed = reply.json();
      if (json) {
        printJson(reply);
      }
    }
    String id = installed.path("plugin_id").asString("");
    String name = installed.path("name").asString(id);
    if (!json) {
      terminal()
          .line(
              "Installed %s %s as %s."
                  .formatted(name, installed.path("version").asString("?"), id));
    }
    if (enable) {
      enable(plugins, plugins.find(id), name);
    } else if (!json) {
      terminal().remark("Enable it with: berth enable " + name);
    }
    return ExitCode.OK;
  }

  private void enable(Plugins plugins, Ref plugin, String name) {
    try {
      Reply reply = plugins.enable(plugin);
      if (json) {
        printJson(reply);
      } else {
        terminal().line("Enabled " + name + ".");
      }
    } catch (PluginException e) {
      if (!json) {
        terminal().err().println(Terminal.oneLine(name + " is installed, but was not enabled."));
      }
      throw e;
    }
  }
}
