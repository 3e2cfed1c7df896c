package dev.berth.channel;

import dev.berth.api.ErrorCode;
import java.util.List;

/**
 * What a plugin did wrong, in its own words: nothing of it is trusted or escaped, all of it is
 * bounded.
 *
 * @param exception the class of what it raised; empty where it raised nothing
 * @param message what it said, without the exception's name
 * @param frames the places of its own files that the exception went through, such as {@code
 *     main.py:3 execute}, the innermost last
 * @param traceback the exception's traceback, the end of it where it is long; empty without one
 */
public record Fault(
    ErrorCode code, String exception, String message, List<String> frames, String traceback) {
  private static final int MESSAGE_CHARS = 2_000;
  private static final int TRACEBACK_CHARS = 16_384;
  private static final int FRAMES = 16;
  private static final int WORD_CHARS = 200;

  public Fault {
    exception = head(exception, WORD_CHARS);
    message = head(message, MESSAGE_CHARS);
    frames =
        frames.subList(Math.max(0, frames.size() - FRAMES), frames.size()).stream()
            .map(frame -> head(frame, WORD_CHARS))
            .toList();
    traceback = traceback.substring(Math.max(0, traceback.length() - TRACEBACK_CHARS));
  }

  /** One without an exception. */
  public static Fault of(ErrorCode code, String message) {
    return new Fault(code, "", message, List.of(), "");
  }

  /** What the worker said of a call that failed. */
  static Fault of(ErrorCode code, WorkerMessage.Failed said) {
    return new Fault(
        code,
        said.exception(),
        withoutName(said.message(), said.exception()),
        said.frames(),
        said.traceback() == null ? "" : said.traceback());
  }

  /** {@code no dice} of {@code initialize raised ValueError: no dice}. */
  private static String withoutName(String message, String exception) {
    if (exception.isEmpty()) {
      return message;
    }
    int name = message.indexOf(exception + ": ");
    if (name >= 0) {
      return message.substring(name + exception.length() + 2);
    }
    return message.endsWith(exception) ? "" : message;
  }

  private static String head(String text, int limit) {
    return text.length() <= limit ? text : text.substring(0, limit);
  }
}
