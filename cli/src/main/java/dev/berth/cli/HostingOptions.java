package dev.berth.cli;

import dev.berth.cli.LocalOperations.ServeOptions;
import java.nio.file.Path;
import picocli.CommandLine.Option;

/** How plugins are to be hosted here. */
final class HostingOptions {
  /** What {@code --sandbox} takes. */
  enum Sandbox {
    auto,
    process,
    docker
  }

  @Option(
      names = "--port",
      paramLabel = "N",
      description = "The port to listen on, 0 for any free one; ${DEFAULT-VALUE} unless told.")
  int port = 8000;

  @Option(
      names = "--sandbox",
      paramLabel = "KIND",
      description = "What plugins run in: ${COMPLETION-CANDIDATES}; ${DEFAULT-VALUE} unless told.")
  Sandbox sandbox = Sandbox.auto;

  @Option(
      names = "--allow-weak-isolation",
      description = "Run plugins although this machine can't give every protection.")
  boolean allowWeakIsolation;

  ServeOptions options(String host, Path data) {
    if (port < 0 || port > 65535) {
      throw ExitCode.usage("--port wants a number from 0 to 65535.");
    }
    return new ServeOptions(host, port, data, sandbox.name(), allowWeakIsolation);
  }
}
