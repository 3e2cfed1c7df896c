package dev.berth.channel;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.Text;
import dev.berth.api.WireName;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What to say when something fails, each time naming the plugin. What the worker wrote is made
 * printable and cut; the details hold {@code plugin_id} and, where there is one, {@code traceback}
 * (its last lines). Those of a call whose sandbox is full hold {@code full}, a list of the limits
 * that the worker named.
 */
record Failures(PluginId plugin, String name) {
  private static final int MESSAGE_CHARS = 500;
  private static final int TRACEBACK_LINES = 20;
  private static final int LINE_CHARS = 300;

  private static final Set<ErrorCode> OF_START =
      Set.of(
          ErrorCode.PLUGIN_SYNTAX_ERROR,
          ErrorCode.PLUGIN_IMPORT_ERROR,
          ErrorCode.PLUGIN_CLASS_MISSING,
          ErrorCode.PLUGIN_START_FAILED);
  private static final Set<ErrorCode> OF_CALL =
      Set.of(
          ErrorCode.PLUGIN_ERROR, ErrorCode.PLUGIN_BAD_RESULT, ErrorCode.PLUGIN_RESULT_TOO_LARGE);

  /** What the worker said of a failed {@code initialize}. */
  PluginException start(WorkerMessage.Failed failed) {
    ErrorCode code = code(failed.kind(), OF_START, ErrorCode.PLUGIN_START_FAILED);
    return of(code, "did not start: " + said(failed), failed.traceback());
  }

  /** What the worker said of a failed {@code health} or {@code shutdown}: it names the method. */
  PluginException control(WorkerMessage.Failed failed) {
    ErrorCode code = code(failed.kind(), OF_CALL, ErrorCode.PLUGIN_ERROR);
    return of(code, "failed: " + said(failed), failed.traceback());
  }

  /** What the worker said of a failed call. */
  PluginException call(WorkerMessage.Failed failed) {
    ErrorCode code = code(failed.kind(), OF_CALL, ErrorCode.PLUGIN_ERROR);
    String verb = code == ErrorCode.PLUGIN_ERROR ? "raised " : "failed: ";
    PluginException failure = of(code, verb + said(failed), failed.traceback());
    if (failed.full().isEmpty()) {
      return failure;
    }
    var details = new LinkedHashMap<>(failure.details());
    details.put("full", failed.full());
    return new PluginException(code, failure.getMessage(), details, null);
  }

  /** The same, for whoever counts what a plugin does wrong. */
  Fault fault(PluginException why) {
    return Fault.of(why.code(), why.getMessage().substring(subject().length()));
  }

  private static ErrorCode code(String kind, Set<ErrorCode> known, ErrorCode other) {
    return WireName.find(ErrorCode.class, kind).filter(known::contains).orElse(other);
  }

  private static String said(WorkerMessage.Failed failed) {
    String text = Text.printable(failed.message(), MESSAGE_CHARS);
    return text.endsWith(".") ? text : text + ".";
  }

  PluginException timeout(Call<?> call, Duration after) {
    String limit = seconds(after) + " s.";
    return switch (call) {
      // Whose limit it was is not known here.
      case Call.Execute _ -> of(ErrorCode.PLUGIN_TIMEOUT, "did not answer within " + limit, null);
      case Call.Control control ->
          control.isInitialize()
              ? of(
                  ErrorCode.PLUGIN_START_TIMEOUT,
                  "did not start within " + limit + " Its log may say what it waits for.",
                  null)
              : of(
                  ErrorCode.PLUGIN_TIMEOUT,
                  "did not answer " + control.method + " within " + limit,
                  null);
    };
  }

  private static String seconds(Duration time) {
    double seconds = time.toMillis() / 1000.0;
    return seconds == Math.rint(seconds) ? Long.toString((long) seconds) : Double.toString(seconds);
  }

  PluginException unresponsive(Duration grace) {
    return of(
        ErrorCode.PLUGIN_TIMEOUT,
        "went on for " + seconds(grace) + " s after its call was cancelled; its worker is hung.",
        null);
  }

  PluginException tooManyCalls(int limit) {
    return of(
        ErrorCode.PLUGIN_OVERLOADED,
        "has " + limit + " calls under way already. Try again when some have ended.",
        null);
  }

  PluginException notReading() {
    return of(
        ErrorCode.PLUGIN_OVERLOADED,
        "takes calls more slowly than they come and its queue is full. Try again later.",
        null);
  }

  PluginException contextTooLarge(int bytes, int limit) {
    return of(
        ErrorCode.CONTEXT_INVALID,
        "was given a context of " + bytes + " bytes; the limit is " + limit + ".",
        null);
  }

  PluginException contextNotObject() {
    return of(ErrorCode.CONTEXT_INVALID, "was given a context that is not a JSON object.", null);
  }

  PluginException resultTooLarge(int limit) {
    return of(
        ErrorCode.PLUGIN_RESULT_TOO_LARGE,
        "returned more than " + limit + " bytes of JSON. Return less, or send partial results.",
        null);
  }

  PluginException tooMuchAtOnce(int limit) {
    return of(
        ErrorCode.PLUGIN_OVERLOADED,
        "is sending more than " + limit + " bytes of large results at once. Try again later.",
        null);
  }

  PluginException crashed(@Nullable Throwable cause) {
    return new PluginException(
        ErrorCode.PLUGIN_CRASHED,
        subject() + "ended: its worker closed the channel.",
        map(null),
        cause);
  }

  PluginException protocol(PluginException cause) {
    return new PluginException(
        ErrorCode.PLUGIN_PROTOCOL_ERROR,
        subject() + "broke the channel's protocol: " + cause.getMessage() + ".",
        map(null),
        cause);
  }

  PluginException slowFrame(Duration patience) {
    return of(
        ErrorCode.PLUGIN_PROTOCOL_ERROR,
        "broke the channel's protocol: a frame was not whole after " + seconds(patience) + " s.",
        null);
  }

  PluginException shutDown() {
    return of(ErrorCode.SHUTTING_DOWN, "was shut down.", null);
  }

  PluginException loopFailed(Throwable cause) {
    return new PluginException(
        ErrorCode.SHUTTING_DOWN,
        subject() + "lost its channel: the host's loop ended.",
        map(null),
        cause);
  }

  private PluginException of(ErrorCode code, String what, @Nullable String traceback) {
    return new PluginException(code, subject() + what, map(traceback), null);
  }

  private String subject() {
    return "Plugin '" + Text.printable(name, 80) + "' (" + plugin + ") ";
  }

  private Map<String, Object> map(@Nullable String traceback) {
    var details = new LinkedHashMap<String, Object>();
    details.put("plugin_id", plugin.value());
    if (traceback != null && !traceback.isEmpty()) {
      details.put("traceback", lastLines(traceback));
    }
    return details;
  }

  private static String lastLines(String traceback) {
    String[] lines = traceback.stripTrailing().split("\n", -1);
    var out = new StringBuilder();
    for (int i = Math.max(0, lines.length - TRACEBACK_LINES); i < lines.length; i++) {
      out.append(out.isEmpty() ? "" : "\n").append(Text.printable(lines[i], LINE_CHARS));
    }
    return out.toString();
  }
}
