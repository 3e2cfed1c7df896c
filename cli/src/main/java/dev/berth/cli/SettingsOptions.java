package dev.berth.cli;

import dev.berth.api.ErrorCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The settings to install with. */
final class SettingsOptions {
  @Option(
      names = {"--config", "--set"},
      paramLabel = "KEY=VALUE",
      description =
          "A setting: key=text, key:=json, or key=- to be asked for it (a secret; without a terminal, a line of standard input).")
  List<String> assignments = new ArrayList<>();

  @Option(names = "--config-file", paramLabel = "FILE", description = "Settings, a JSON object.")
  @Nullable Path file;

  /** The settings as a JSON object; null when there are none. */
  @Nullable String json(Terminal terminal) {
    if (file != null) {
      if (!assignments.isEmpty()) {
        throw ExitCode.usage("Give settings by --config or by --config-file, not by both.");
      }
      return Assignments.object(read(file), String.valueOf(file));
    }
    if (assignments.isEmpty()) {
      return null;
    }
    var object = new Assignments();
    object.putAll(assignments, key -> secret(terminal, key));
    return object.json();
  }

  static String secret(Terminal terminal, String key) {
    String value = terminal.secret(key + ": ");
    if (value == null) {
      throw ExitCode.usage(key + "=- wants a line of standard input for each such key.");
    }
    return value;
  }

  /** A file's text. */
  static String read(Path file) {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException _) {
      throw ExitCode.NOT_FOUND.failure(ErrorCode.NOT_FOUND, "There is no file " + file + ".");
    } catch (IOException e) {
      throw ExitCode.FAILED.failure(
          ErrorCode.BAD_REQUEST, file + " can't be read: " + e.getMessage());
    }
  }
}
