package dev.berth.channel;

import dev.berth.api.Json;
import dev.berth.api.Text;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A message of a worker's that is read member by member: what was read of it so far. */
final class MessageDraft {
  private static final int MAX_RECORDS = 1000;
  private static final int MAX_FRAMES = 16;
  private static final int MAX_FULL = 8;

  private final JsonReader in;
  private final List<String> seen = new ArrayList<>(8);
  private long id = -1;
  private String method = "";
  private long subject = -1;
  private @Nullable Boolean success;
  private @Nullable Json value;
  private long chunks = -1;
  private long code;
  private @Nullable String message;
  private String kind = "";
  private String exception = "";
  private List<String> frames = List.of();
  private @Nullable String traceback;
  private List<String> full = List.of();
  private @Nullable Double fraction;
  private @Nullable String data;
  private long protocol = -1;
  private String python = "";
  private boolean health;
  private @Nullable List<WorkerMessage.Log.Entry> records;
  private long dropped;

  MessageDraft(JsonReader in) {
    this.in = in;
  }

  /** Reads the whole message. */
  WorkerMessage read() {
    in.beginObject();
    for (String key = in.nextKey(); key != null; key = in.nextKey()) {
      once(cut(key));
      switch (key) {
        case "jsonrpc" -> {
          if (!in.string().equals("2.0")) {
            throw in.error("not JSON-RPC 2.0");
          }
        }
        case "id" -> id = in.integer();
        case "method" -> method = in.string();
        case "params", "result", "error" -> readBody(key);
        default -> throw in.error("unknown member '" + cut(key) + "'");
      }
    }
    in.end();
    return finish();
  }

  /** Notes a member, named with its path; a second of its name is refused. */
  private void once(String path) {
    if (seen.contains(path)) {
      throw in.error("member '" + path + "' comes twice");
    }
    seen.add(path);
  }

  private void readBody(String body) {
    in.beginObject();
    for (String key = in.nextKey(); key != null; key = in.nextKey()) {
      String path = body + "." + cut(key);
      once(path);
      switch (path) {
        case "params.id" -> subject = in.integer();
        case "params.fraction" -> fraction = in.numberOrNull();
        case "params.message", "error.message" -> message = in.string();
        case "params.value", "result.value" -> value = in.value();
        case "params.data" -> data = in.string();
        case "params.records" -> records = readRecords();
        case "params.dropped" -> dropped = in.integer();
        case "result.success" -> success = in.bool();
        case "result.chunks" -> chunks = in.integer();
        case "result.protocol" -> protocol = in.integer();
        case "result.python" -> python = in.string();
        case "result.health" -> health = in.bool();
        case "error.code" -> code = in.integer();
        case "error.data" -> readErrorData();
        default -> throw in.error("unknown member '" + path + "'");
      }
    }
  }

  private void readErrorData() {
    in.beginObject();
    for (String key = in.nextKey(); key != null; key = in.nextKey()) {
      once("error.data." + cut(key));
      switch (key) {
        case "kind" -> kind = in.string();
        case "exception" -> exception = in.string();
        case "frames" -> frames = readTexts(MAX_FRAMES, "frames");
        case "traceback" -> traceback = in.string();
        case "full" -> full = readTexts(MAX_FULL, "full limits");
        default -> throw in.error("unknown member 'error.data." + cut(key) + "'");
      }
    }
  }

  private List<String> readTexts(int most, String what) {
    var out = new ArrayList<String>(most);
    in.beginArray();
    while (in.nextElement()) {
      if (out.size() == most) {
        throw in.error("more than " + most + " " + what + " in an error");
      }
      out.add(in.string());
    }
    return out;
  }

  private List<WorkerMessage.Log.Entry> readRecords() {
    var out = new ArrayList<WorkerMessage.Log.Entry>();
    in.beginArray();
    while (in.nextElement()) {
      if (out.size() == MAX_RECORDS) {
        throw in.error("more than " + MAX_RECORDS + " log records in a message");
      }
      long time = 0;
      String level = "";
      String source = "";
      String logger = "";
      String text = "";
      in.beginObject();
      for (String key = in.nextKey(); key != null; key = in.nextKey()) {
        switch (key) {
          case "time" -> time = in.integer();
          case "level" -> level = in.string();
          case "source" -> source = in.string();
          case "logger" -> logger = in.string();
          case "message" -> text = in.string();
          default -> throw in.error("unknown member '" + cut(key) + "' of a log record");
        }
      }
      out.add(new WorkerMessage.Log.Entry(time, level, source, logger, text));
    }
    return out;
  }

  private WorkerMessage finish() {
    if (!seen.contains("jsonrpc")) {
      throw in.error("not JSON-RPC 2.0");
    }
    if (seen.contains("id")) {
      if (seen.contains("method") || seen.contains("result") == seen.contains("error")) {
        throw in.error("expected a result or an error");
      }
      return answer();
    }
    return notification();
  }

  private WorkerMessage answer() {
    if (message != null) {
      return new WorkerMessage.Failed(id, code, message, kind, exception, frames, traceback, full);
    }
    if (success != null && value != null && chunks < 0) {
      return new WorkerMessage.Executed(id, success, value);
    }
    if (success != null && value == null && chunks >= 0 && chunks <= Integer.MAX_VALUE) {
      return new WorkerMessage.ExecutedChunked(id, success, (int) chunks);
    }
    if (success == null && value == null && protocol >= 0) {
      return new WorkerMessage.Initialized(id, protocol, python, health);
    }
    if (success == null && value != null) {
      return new WorkerMessage.Answered(id, value);
    }
    throw in.error("an answer of an unknown shape");
  }

  private WorkerMessage notification() {
    if (seen.contains("params")) {
      switch (method) {
        case "cancelling" -> {
          if (subject >= 0) {
            return new WorkerMessage.Cancelling(subject);
          }
        }
        case "progress" -> {
          if (subject >= 0 && message != null && inRange(fraction)) {
            return new WorkerMessage.Progress(subject, fraction, message);
          }
        }
        case "partial" -> {
          if (subject >= 0 && value != null) {
            return new WorkerMessage.Partial(subject, value);
          }
        }
        case "log" -> {
          if (records != null && dropped >= 0) {
            return new WorkerMessage.Log(records, dropped);
          }
        }
        case "chunk" -> {
          if (subject >= 0 && data != null) {
            return new WorkerMessage.Chunk(subject, data.getBytes(StandardCharsets.UTF_8));
          }
        }
        default -> throw in.error("unknown method '" + cut(method) + "'");
      }
    }
    throw in.error("a notification of an unknown shape");
  }

  private static boolean inRange(@Nullable Double fraction) {
    return fraction == null || (fraction >= 0 && fraction <= 1);
  }

  private static String cut(String key) {
    return Text.printable(key, 40);
  }
}
