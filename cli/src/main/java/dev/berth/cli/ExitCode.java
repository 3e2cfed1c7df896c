package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.LinkedHashMap;
import java.util.Map;

/** What a command says to the program that started it. The table in docs/OPERATOR.md is this. */
enum ExitCode {
  OK(0, "Done."),
  FAILED(1, "It was tried and failed: the plugin failed or is unhealthy, or the server did."),
  USAGE(2, "The command line is wrong; nothing was tried."),
  NOT_FOUND(3, "There is no such plugin, key or file."),
  REFUSED(
      4, "Refused: the archive, settings or input is wrong, or the plugin isn't in that state."),
  UNREACHABLE(5, "No server answered, or the connection broke."),
  TIMEOUT(6, "The plugin or the server took longer than its limit."),
  NOT_ALLOWED(7, "The API key is missing or wrong, or may not do this."),
  INTERRUPTED(130, "Stopped by Ctrl-C.");

  /** Where {@link PluginException#details} keeps the name of one of these. */
  private static final String DETAIL = "exit";

  private final int number;
  private final String meaning;

  ExitCode(int number, String meaning) {
    this.number = number;
    this.meaning = meaning;
  }

  int number() {
    return number;
  }

  String meaning() {
    return meaning;
  }

  /** The code for an answer of the server with {@code status}, 400 or above. */
  static ExitCode ofStatus(int status) {
    return switch (status) {
      case 401, 403 -> NOT_ALLOWED;
      case 404 -> NOT_FOUND;
      case 408, 504 -> TIMEOUT;
      default -> status < 500 ? REFUSED : FAILED;
    };
  }

  /** The code a failure carries, or else {@link #FAILED}. */
  static ExitCode of(PluginException failure) {
    return failure.details().get(DETAIL) instanceof String name ? valueOf(name) : FAILED;
  }

  /** A failure that ends the command with this code. */
  PluginException failure(ErrorCode code, String message) {
    return failure(code, message, Map.of());
  }

  /** Likewise, with what else is to be known about it. */
  PluginException failure(ErrorCode code, String message, Map<String, Object> details) {
    var all = new LinkedHashMap<String, Object>(details);
    all.put(DETAIL, name());
    return new PluginException(code, message, all, null);
  }

  /** A failure of the person who typed the command. */
  static PluginException usage(String message) {
    return USAGE.failure(ErrorCode.BAD_REQUEST, message);
  }
}
