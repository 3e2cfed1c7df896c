package dev.berth.cli;

import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "serve",
    description = "Serve until Ctrl-C.",
    footer = {
      "",
      "It listens on this machine only. To listen elsewhere, make a key first: berth key create NAME"
    })
final class ServeVerb extends Verb {
  @Option(
      names = "--host",
      paramLabel = "ADDRESS",
      description = "The address to listen on; ${DEFAULT-VALUE} unless told.")
  String host = "127.0.0.1";

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description = "Where everything is kept; else BERTH_DATA, else .berth/data here.")
  String data = "";

  @Mixin HostingOptions hosting = new HostingOptions();

  ServeVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    Path folder = session.data(data);
    return Serving.run(
        session.local(),
        hosting.options(host, folder),
        served -> {
          terminal()
              .line(
                  "Berth serves on " + served.url() + ", data in " + folder + ". Ctrl-C stops it.");
          served.await();
          return ExitCode.OK;
        },
        () -> {});
  }
}
