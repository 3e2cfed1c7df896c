package dev.berth.channel;

import dev.berth.api.Json;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** What the host says, written exactly as {@code protocol/README.md} shows it. */
sealed interface HostMessage {
  /** Appends the message as one frame. */
  default void writeTo(FrameBuffer out) {
    out.begin();
    writeBody(out);
    out.end();
  }

  void writeBody(FrameBuffer out);

  record Initialize(long id, Initialization what, int maxContextBytes, int maxResultBytes)
      implements HostMessage {
    @Override
    public void writeBody(FrameBuffer out) {
      request(out, id, "initialize");
      out.ascii(",\"params\":{\"protocol\":1,\"plugin\":{\"id\":");
      out.string(what.plugin().value());
      out.ascii(",\"name\":");
      out.string(what.name());
      out.ascii(",\"version\":");
      out.string(what.version());
      out.ascii("},\"entry\":{\"main\":");
      out.string(what.entryPoint().main());
      out.ascii(",\"class\":");
      out.string(what.entryPoint().className());
      out.ascii("},\"paths\":[");
      List<String> paths = what.paths();
      for (int i = 0; i < paths.size(); i++) {
        out.ascii(i == 0 ? "" : ",");
        out.string(paths.get(i));
      }
      out.ascii("],\"limits\":{\"max_context_bytes\":");
      out.number(maxContextBytes);
      out.ascii(",\"max_result_bytes\":");
      out.number(maxResultBytes);
      out.ascii("},\"config\":");
      out.json(what.config());
      out.ascii("}}");
    }
  }

  record Execute(long id, Json context) implements HostMessage {
    private static final byte[] BEFORE_ID = bytes("{\"jsonrpc\":\"2.0\",\"id\":");
    private static final byte[] BEFORE_CONTEXT =
        bytes(",\"method\":\"execute\",\"params\":{\"context\":");
    private static final byte[] AFTER = bytes("}}");

    /** The longest context that fits into a frame whatever the id, in bytes. */
    static final int MAX_CONTEXT =
        FrameBuffer.MAX_FRAME - BEFORE_ID.length - 19 - BEFORE_CONTEXT.length - AFTER.length;

    @Override
    public void writeBody(FrameBuffer out) {
      out.ascii(BEFORE_ID);
      out.number(id);
      out.ascii(BEFORE_CONTEXT);
      out.json(context);
      out.ascii(AFTER);
    }
  }

  record ExecuteChunked(long id, int chunks) implements HostMessage {
    @Override
    public void writeBody(FrameBuffer out) {
      request(out, id, "execute");
      out.ascii(",\"params\":{\"chunks\":");
      out.number(chunks);
      out.ascii("}}");
    }
  }

  record Cancel(long id) implements HostMessage {
    @Override
    public void writeBody(FrameBuffer out) {
      out.ascii("{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{\"id\":");
      out.number(id);
      out.ascii("}}");
    }
  }

  record Health(long id) implements HostMessage {
    @Override
    public void writeBody(FrameBuffer out) {
      request(out, id, "health");
      out.ascii("}");
    }
  }

  record Shutdown(long id) implements HostMessage {
    @Override
    public void writeBody(FrameBuffer out) {
      request(out, id, "shutdown");
      out.ascii("}");
    }
  }

  /** A piece of a call's context; {@code data} is the value's own JSON text, in UTF-8. */
  @SuppressWarnings("ArrayRecordComponent") // Written at once and never compared.
  record Chunk(long id, byte[] data, int from, int to) implements HostMessage {
    /** The longest piece, in bytes. */
    static final int MAX_PIECE = 262_144;

    @Override
    public void writeBody(FrameBuffer out) {
      out.ascii("{\"jsonrpc\":\"2.0\",\"method\":\"chunk\",\"params\":{\"id\":");
      out.number(id);
      out.ascii(",\"data\":");
      out.string(data, from, to);
      out.ascii("}}");
    }
  }

  /** An execute whose context is too long for a frame: its pieces, then the message. */
  record ExecuteInPieces(long id, Json context) implements HostMessage {
    @Override
    public void writeTo(FrameBuffer out) {
      byte[] text = context.toByteArray();
      int pieces = 0;
      for (int from = 0; from < text.length; pieces++) {
        int end = Math.min(from + Chunk.MAX_PIECE, text.length);
        while (end < text.length && (text[end] & 0xc0) == 0x80) {
          end--; // Never inside a character.
        }
        new Chunk(id, text, from, end).writeTo(out);
        from = end;
      }
      new ExecuteChunked(id, pieces).writeTo(out);
    }

    @Override
    public void writeBody(FrameBuffer out) {
      throw new UnsupportedOperationException("more than one frame");
    }
  }

  private static void request(FrameBuffer out, long id, String method) {
    out.ascii(Execute.BEFORE_ID);
    out.number(id);
    out.ascii(",\"method\":\"");
    out.ascii(method);
    out.ascii("\"");
  }

  private static byte[] bytes(String ascii) {
    return ascii.getBytes(StandardCharsets.US_ASCII);
  }
}
