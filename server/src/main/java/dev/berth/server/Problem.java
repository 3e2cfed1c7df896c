package dev.berth.server;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionResult;
import dev.berth.api.PluginException;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.eclipse.jetty.http.HttpHeader;
import org.eclipse.jetty.http.PreEncodedHttpField;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.util.Callback;

/**
 * An error as a client sees it: an {@code application/problem+json} object (RFC 9457) with the
 * stable {@code code} and what the exception has to say beside it.
 */
final class Problem {
  static final String CONTENT_TYPE = "application/problem+json";

  private static final PreEncodedHttpField TYPE_FIELD =
      new PreEncodedHttpField(HttpHeader.CONTENT_TYPE, CONTENT_TYPE);
  private static final Set<String> RESERVED = Set.of("type", "title", "status", "detail", "code");

  private final int status;
  private final Map<String, Object> members = new LinkedHashMap<>();

  private Problem(
      int status, ErrorCode code, String title, String detail, Map<String, Object> details) {
    this.status = status;
    members.put("type", "urn:berth:error:" + code.wireName());
    members.put("title", title);
    members.put("status", status);
    members.put("detail", detail);
    members.put("code", code.wireName());
    details.forEach((name, value) -> {
      if (!RESERVED.contains(name)) {
        members.put(name, value);
      }
    });
  }

  static Problem of(PluginException error) {
    String detail =
        error.code() == ErrorCode.INTERNAL
            ? "Something went wrong inside Berth. Its log says more, under this request's id."
            : error.getMessage();
    return new Problem(
        HttpStatuses.of(error.code()),
        error.code(),
        title(error.code()),
        detail,
        error.code() == ErrorCode.INTERNAL ? Map.of() : error.details());
  }

  /** A call the host refused a permission. */
  static Problem denied(ExecutionResult.Denied denied) {
    String permission = denied.permission().wireName();
    return of(
        new PluginException(
            ErrorCode.PERMISSION_DENIED,
            permission + ": " + denied.why(),
            Map.of("permission", permission),
            null));
  }

  static Problem of(ErrorCode code, String detail) {
    return of(new PluginException(code, detail));
  }

  /** A problem the HTTP layer found, with the status it chose. */
  static Problem ofStatus(int status, ErrorCode code, String detail) {
    return new Problem(status, code, title(code), detail, Map.of());
  }

  /** {@code plugin_not_found} as {@code Plugin not found}. */
  private static String title(ErrorCode code) {
    String words = code.wireName().replace('_', ' ');
    return Character.toUpperCase(words.charAt(0)) + words.substring(1);
  }

  int status() {
    return status;
  }

  /** Another member, e.g. a call's duration. */
  Problem with(String name, Object value) {
    members.putIfAbsent(name, value);
    return this;
  }

  byte[] toJson() {
    return JsonText.write(members);
  }

  String toJsonString() {
    return JsonText.writeString(members);
  }

  /** Headers that go with it, beside its type. */
  Map<String, String> headers() {
    var headers = new LinkedHashMap<String, String>();
    if (status == 503) {
      headers.put("Retry-After", "1");
    }
    if (status == 401) {
      headers.put("WWW-Authenticate", "Bearer realm=\"berth\"");
    }
    return headers;
  }

  /** Sends it as the whole answer. */
  void send(Response response, Callback callback) {
    if (response.isCommitted()) {
      callback.failed(new IllegalStateException("the answer has begun"));
      return;
    }
    response.setStatus(status);
    response.getHeaders().put(TYPE_FIELD);
    headers().forEach(response.getHeaders()::put);
    response.write(true, ByteBuffer.wrap(toJson()), callback);
  }
}
