package dev.berth.host.egress;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ReadableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The head of a proxy request (RFC 9112): {@code CONNECT host:port}, or a method with an absolute
 * {@code http:} URI.
 *
 * @param body what is to follow the head of a plain request
 * @param rest bytes that came after the head
 */
record RequestHead(
    String method,
    String host,
    int port,
    String path,
    List<String> headers,
    RequestBody body,
    ByteBuffer rest) {
  private static final int MAX_BYTES = 16 * 1024;

  /**
   * No control characters: a lenient server reads a tab as a space and a bare line feed as the end
   * of the line, and would find another request in what we took for a path.
   */
  private static final Pattern TARGET = Pattern.compile("[\\x21-\\x7e\\x80-\\xff]+");

  /** Without these the destination would find another end of the body. */
  private static final Set<String> FRAMING = Set.of("content-length", "transfer-encoding");

  /** Something else than such a head came. */
  private static final Optional<RequestHead> BAD = Optional.empty();

  /** Reads one head; empty when it is none, is too long, or the end comes first. */
  static Optional<RequestHead> read(ReadableByteChannel from) throws IOException {
    byte[] bytes = new byte[MAX_BYTES];
    ByteBuffer buffer = ByteBuffer.wrap(bytes);
    int end = -1;
    while (end < 0) {
      int before = buffer.position();
      if (!buffer.hasRemaining() || from.read(buffer) < 0) {
        return BAD;
      }
      end = endOfHead(bytes, Math.max(3, before), buffer.position());
    }
    String head = new String(bytes, 0, end, StandardCharsets.ISO_8859_1);
    ByteBuffer rest = ByteBuffer.wrap(bytes, end, buffer.position() - end);
    return parse(head, rest);
  }

  /** Where the first empty line that ends at or after {@code from} ends; -1 when there is none. */
  static int endOfHead(byte[] bytes, int from, int length) {
    for (int i = from; i < length; i++) {
      if (bytes[i] == '\n'
          && bytes[i - 1] == '\r'
          && bytes[i - 2] == '\n'
          && bytes[i - 3] == '\r') {
        return i + 1;
      }
    }
    return -1;
  }

  private static Optional<RequestHead> parse(String head, ByteBuffer rest) {
    String[] lines = head.split("\r\n", -1);
    String[] words = lines[0].split(" ", -1);
    if (words.length != 3
        || !words[0].matches("[A-Z]{1,16}")
        || !TARGET.matcher(words[1]).matches()
        || !words[2].matches("HTTP/1[.][01]")) {
      return BAD;
    }
    List<String> headers = new ArrayList<>();
    for (int i = 1; i < lines.length - 2; i++) {
      // No folded lines, no control characters: two readers of them disagree, which is how requests
      // are
      // smuggled.
      if (!lines[i].matches("[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\\t\\x20-\\x7e\\x80-\\xff]*")) {
        return BAD;
      }
      headers.add(lines[i]);
    }
    Optional<RequestBody> body = RequestBody.announced(headers, words[2].endsWith("1"));
    if (body.isEmpty() || connectionOptions(headers).stream().anyMatch(FRAMING::contains)) {
      return BAD;
    }
    if (words[0].equals("CONNECT")) {
      return authority(words[0], words[1], 0, "", headers, body.get(), rest);
    }
    if (!words[1].regionMatches(true, 0, "http://", 0, 7)) {
      return BAD;
    }
    String target = words[1].substring(7);
    int slash = indexOfAny(target, "/?");
    String authority = slash < 0 ? target : target.substring(0, slash);
    String path = slash < 0 ? "/" : target.substring(slash);
    return authority(
        words[0],
        authority,
        80,
        path.startsWith("?") ? "/" + path : path,
        headers,
        body.get(),
        rest);
  }

  /** What the lines of {@code Connection} name, in lower case: lines meant for the proxy alone. */
  private static Set<String> connectionOptions(List<String> headers) {
    return headers.stream()
        .filter(header -> header.regionMatches(true, 0, "connection:", 0, 11))
        .flatMap(header -> Arrays.stream(header.substring(11).split(",", -1)))
        .map(option -> option.strip().toLowerCase(Locale.ROOT))
        .collect(Collectors.toSet());
  }

  private static int indexOfAny(String text, String characters) {
    for (int i = 0; i < text.length(); i++) {
      if (characters.indexOf(text.charAt(i)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  private static Optional<RequestHead> authority(
      String method,
      String authority,
      int usual,
      String path,
      List<String> headers,
      RequestBody body,
      ByteBuffer rest) {
    int colon = authority.endsWith("]") ? -1 : authority.lastIndexOf(':');
    String host = colon < 0 ? authority : authority.substring(0, colon);
    Optional<Integer> port =
        colon < 0
            ? Optional.of(usual).filter(p -> p > 0)
            : Destination.port(authority.substring(colon + 1));
    return port.flatMap(p ->
        Destination.normalHost(host)
            .map(h -> new RequestHead(method, h, p, path, headers, body, rest)));
  }

  boolean isConnect() {
    return method.equals("CONNECT");
  }

  /**
   * The request as the destination gets it: its own path, its own host, no word meant for the proxy
   * or named by its {@code Connection} (RFC 9110 7.6.1), and one request a connection, since only
   * the first was checked.
   */
  ByteBuffer toOrigin() {
    Set<String> hopByHop = connectionOptions(headers);
    StringBuilder out = new StringBuilder();
    out.append(method).append(' ').append(path).append(" HTTP/1.1\r\nHost: ").append(hostHeader());
    for (String header : headers) {
      String name = header.substring(0, header.indexOf(':')).toLowerCase(Locale.ROOT);
      switch (name) {
        case "host",
            "connection",
            "keep-alive",
            "proxy-connection",
            "proxy-authorization",
            "upgrade",
            "te" -> {}
        default -> {
          if (!hopByHop.contains(name)) {
            out.append("\r\n").append(header);
          }
        }
      }
    }
    out.append("\r\nConnection: close\r\n\r\n");
    return ByteBuffer.wrap(out.toString().getBytes(StandardCharsets.ISO_8859_1));
  }

  private String hostHeader() {
    String name = host.contains(":") ? "[" + host + "]" : host;
    return port == 80 ? name : name + ":" + port;
  }
}
