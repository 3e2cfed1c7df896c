package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.ErrorGroup;
import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import dev.berth.api.Text;
import dev.berth.channel.Fault;
import java.time.Instant;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One time that something went wrong in a plugin, as it came. A plugin may fail by the ten thousand
 * a second: making one costs next to nothing, and its texts are cleaned only when they are read or
 * written down.
 *
 * @param cause what tells it from others of its kind where no exception does; else empty
 * @param version of the plugin
 * @param redactor knows the secrets the plugin had then
 */
record Incident(Fault fault, String cause, String version, Redactor redactor) {
  static final int MESSAGE_CHARS = 500;
  static final int TRACEBACK_CHARS = 8_000;
  static final int TRACEBACK_LINES = 60;
  private static final int LINE_CHARS = 1_000;
  private static final int WORD_CHARS = 200;
  private static final String CUT = "...";
  private static final HexFormat HEX = HexFormat.of();

  /** Failed starts that are the plugin's doing, and not this host's trouble or its operator's. */
  private static final Set<ErrorCode> STARTS =
      EnumSet.of(
          ErrorCode.PLUGIN_SYNTAX_ERROR,
          ErrorCode.PLUGIN_IMPORT_ERROR,
          ErrorCode.PLUGIN_CLASS_MISSING,
          ErrorCode.PLUGIN_START_FAILED,
          ErrorCode.PLUGIN_START_TIMEOUT,
          ErrorCode.PLUGIN_PROTOCOL_ERROR);

  /** A call failed. */
  static Incident of(Fault fault, String version, Redactor redactor) {
    return new Incident(fault, "", version, redactor);
  }

  /**
   * A worker did not come up.
   *
   * @param said what the plugin had to say of it; null where that was nothing
   * @param exit how its process ended, where that was the reason
   * @return null when it was not the plugin's doing
   */
  static @Nullable Incident ofStart(
      PluginException why,
      @Nullable Fault said,
      @Nullable SandboxExit exit,
      String version,
      Redactor redactor) {
    if (!STARTS.contains(why.code())) {
      return null;
    }
    if (said != null) {
      String cause = said.exception().isEmpty() ? said.message() : "";
      return new Incident(said, cause, version, redactor);
    }
    String message = exit == null ? why.getMessage() : "its worker " + exit.describe();
    return new Incident(Fault.of(why.code(), message), cause(exit), version, redactor);
  }

  /**
   * A worker that ran has gone.
   *
   * @return null when it was not the plugin's doing
   */
  static @Nullable Incident ofCrash(
      PluginException why, @Nullable SandboxExit exit, String version, Redactor redactor) {
    String message =
        switch (why.code()) {
          case PLUGIN_CRASHED ->
              exit == null ? "its worker closed its channel" : "its worker " + exit.describe();
          case PLUGIN_PROTOCOL_ERROR -> why.getMessage();
          default -> null;
        };
    return message == null
        ? null
        : new Incident(Fault.of(why.code(), message), cause(exit), version, redactor);
  }

  private static String cause(@Nullable SandboxExit exit) {
    return switch (exit) {
      case null -> "";
      case SandboxExit.Exited(int code) -> "exit " + code;
      case SandboxExit.Killed(int signal) -> "signal " + signal;
      case SandboxExit.TimedOut _, SandboxExit.OutOfMemory _ -> exit.reason();
    };
  }

  /**
   * The same for every failure with the same cause: its kind, its exception and the places it went
   * through. FNV-1a of 64 bits, which costs less than a microsecond; who makes two of them meet has
   * only mixed up errors of his own.
   */
  long fingerprint() {
    long hash = 0xcbf29ce484222325L;
    hash = mix(hash, fault.code().wireName());
    hash = mix(hash, fault.exception());
    hash = mix(hash, cause);
    for (String frame : fault.frames()) {
      hash = mix(hash, frame);
    }
    return (hash ^ hash >>> 48) & 0xffff_ffff_ffffL;
  }

  private static long mix(long hash, String text) {
    long mixed = hash;
    for (int i = 0; i < text.length(); i++) {
      mixed = (mixed ^ text.charAt(i)) * 0x100000001b3L;
    }
    return (mixed ^ 0xffff) * 0x100000001b3L; // No character: ends the text.
  }

  /** Shown, with its texts made fit to be read. */
  ErrorGroup describe(long fingerprint, long count, Instant firstAt, Instant lastAt) {
    return new ErrorGroup(
        HEX.toHexDigits(fingerprint, 12),
        fault.code(),
        word(fault.exception()),
        message(),
        where(),
        traceback(),
        count,
        firstAt,
        lastAt,
        version);
  }

  /** What {@link #describe} showed, once more: reads as it did then. */
  static Incident again(ErrorGroup group) {
    return new Incident(
        new Fault(
            group.kind(),
            group.type(),
            group.message(),
            group.where().isEmpty() ? List.of() : List.of(group.where()),
            group.traceback()),
        "",
        group.version(),
        Redactor.NONE);
  }

  private String word(String raw) {
    return cut(Text.printable(redactor.redact(raw), WORD_CHARS), WORD_CHARS);
  }

  private String message() {
    String whole = redactor.redact(fault.message()).strip();
    return cut(lines(whole).collect(Collectors.joining("\n")), MESSAGE_CHARS);
  }

  /** {@code main.py:3} of {@code main.py:3 execute}. */
  private String where() {
    if (fault.frames().isEmpty()) {
      return "";
    }
    String frame = fault.frames().getLast();
    int end = frame.indexOf(' ', Math.max(0, frame.lastIndexOf(':')));
    return word(end < 0 ? frame : frame.substring(0, end));
  }

  /** The last lines, because what went wrong stands at the end. */
  private String traceback() {
    List<String> all = lines(redactor.redact(fault.traceback()).stripTrailing()).toList();
    int from = all.size();
    int chars = 0;
    while (from > 0 && all.size() - from < TRACEBACK_LINES) {
      chars += all.get(from - 1).length() + 1;
      if (chars > TRACEBACK_CHARS) {
        break;
      }
      from--;
    }
    String end = String.join("\n", all.subList(from, all.size()));
    return from == 0 ? end : CUT + "\n" + end;
  }

  private static Stream<String> lines(String text) {
    return text.lines()
        .map(line -> cut(Text.printable(line.replace("\t", "    "), LINE_CHARS), LINE_CHARS));
  }

  /** Never longer than {@code limit}, mark included, so that what was cut once stays as it is. */
  private static String cut(String clean, int limit) {
    if (clean.length() <= limit) {
      return clean;
    }
    int end = limit - CUT.length();
    return clean.substring(0, Character.isHighSurrogate(clean.charAt(end - 1)) ? end - 1 : end)
        + CUT;
  }
}
