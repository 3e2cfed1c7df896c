package dev.berth.channel;

import dev.berth.api.Json;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a worker says. Checked for form when it was read, not yet for sense. */
sealed interface WorkerMessage {
  /** The answer to an execute. */
  record Executed(long id, boolean success, Json value) implements WorkerMessage {}

  /** The answer to an execute whose value came before it, in so many pieces. */
  record ExecutedChunked(long id, boolean success, int chunks) implements WorkerMessage {}

  /** The answer to an initialize. */
  record Initialized(long id, long protocol, String python, boolean health)
      implements WorkerMessage {
    Json toJson() {
      var out = new FrameBuffer();
      out.ascii("{\"protocol\":");
      out.number(protocol);
      out.ascii(",\"python\":");
      out.string(python);
      out.ascii(",\"health\":" + health + "}");
      return out.toJson();
    }
  }

  /** The answer to a health or a shutdown. */
  record Answered(long id, Json value) implements WorkerMessage {}

  /**
   * @param kind the worker's word for what failed; empty for an error of the protocol
   * @param exception the class of what the plugin raised; empty where it raised nothing
   * @param frames where in the package that went through, the innermost last
   * @param full which limits on files its sandbox has used up, where the error is a full disk
   */
  record Failed(
      long id,
      long code,
      String message,
      String kind,
      String exception,
      List<String> frames,
      @Nullable String traceback,
      List<String> full)
      implements WorkerMessage {}

  /** It was told to cancel that call, and the call needs a while to end. */
  record Cancelling(long id) implements WorkerMessage {}

  record Progress(long id, @Nullable Double fraction, String message) implements WorkerMessage {}

  record Partial(long id, Json value) implements WorkerMessage {}

  /**
   * @param dropped records left out about here because there were too many
   */
  record Log(List<Entry> records, long dropped) implements WorkerMessage {
    record Entry(long time, String level, String source, String logger, String message) {}
  }

  /** A piece of a call's value, in UTF-8. */
  @SuppressWarnings("ArrayRecordComponent") // Handed on at once and never compared.
  record Chunk(long id, byte[] data) implements WorkerMessage {}
}
