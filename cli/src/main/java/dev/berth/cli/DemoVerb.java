package dev.berth.cli;

import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    description = "Serve with the example plugins installed, and show what they do.")
final class DemoVerb extends Verb {
  @Option(names = "--once", description = "End after it, instead of serving on until Ctrl-C.")
  boolean once;

  @Option(
      names = "--practise",
      hidden = true,
      description = "So many times more, for a JVM that takes notes of what is done often.")
  int practise;

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "Where to keep everything; else a fresh folder under .berth/demo here, removed at the end.")
  String data = "";

  @Mixin HostingOptions hosting = new HostingOptions();

  DemoVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    ScratchFolder folder =
        data.isEmpty()
            ? ScratchFolder.under(Path.of(".berth/demo"))
            : ScratchFolder.existing(session.data(data));
    return Serving.run(
        session.local(),
        hosting.options("127.0.0.1", folder.path()),
        served -> {
          try (var tour = new DemoTour(session, served.url())) {
            ExitCode exit = tour.run(session.local().examples());
            if (exit == ExitCode.OK) {
              tour.practise(practise);
            }
            if (exit == ExitCode.OK && !once) {
              tour.whatNext();
              served.await();
            }
            return exit;
          }
        },
        folder::close);
  }
}
