package dev.berth.server;

import io.javalin.http.Context;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Writes server-sent events, blocking as slowly as the client reads.
 *
 * @see <a href="https://html.spec.whatwg.org/multipage/server-sent-events.html">the format</a>
 */
final class Sse {
  static final String CONTENT_TYPE = "text/event-stream";

  private final OutputStream out;

  private Sse(OutputStream out) {
    this.out = out;
  }

  static boolean isAskedFor(@Nullable String accept) {
    return accept != null && accept.toLowerCase(Locale.ROOT).contains(CONTENT_TYPE);
  }

  /** Begins an event stream as the answer. */
  static Sse begin(Context context) throws IOException {
    context.status(200);
    context.res().setContentType(CONTENT_TYPE);
    var sse = new Sse(context.res().getOutputStream());
    // The head goes out at once: a client must not wait for the first event to know it is heard.
    sse.comment();
    return sse;
  }

  /**
   * One event. JSON may have line ends between its tokens, never in them: a space says the same.
   */
  void event(String name, @Nullable Long id, String json) throws IOException {
    var text = new StringBuilder();
    if (id != null) {
      text.append("id: ").append(id.longValue()).append('\n');
    }
    text.append("event: ").append(name).append("\ndata: ");
    text.append(json.replace('\n', ' ').replace('\r', ' ')).append("\n\n");
    out.write(text.toString().getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  /** Says nothing, and finds out whether anybody is there. */
  void comment() throws IOException {
    out.write(':');
    out.write('\n');
    out.write('\n');
    out.flush();
  }
}
