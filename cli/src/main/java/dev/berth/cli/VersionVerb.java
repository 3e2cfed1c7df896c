package dev.berth.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;
import picocli.CommandLine.Command;

@Command(name = "version", description = "Show the version.")
final class VersionVerb extends Verb {
  VersionVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    terminal().line(text());
    return ExitCode.OK;
  }

  static String text() {
    return "berth " + version() + ", Java " + Runtime.version();
  }

  /** The version this was built as. */
  static String version() {
    var properties = new Properties();
    try (InputStream in = VersionVerb.class.getResourceAsStream("version.properties")) {
      if (in != null) {
        properties.load(in);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("version", "unknown");
  }
}
