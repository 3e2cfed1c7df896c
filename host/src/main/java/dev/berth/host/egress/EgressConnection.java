package dev.berth.host.egress;

import dev.berth.api.Text;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One connection of a plugin through the proxy: one request, or one tunnel. */
final class EgressConnection {
  private static final int BUFFER = 16 * 1024;
  private static final long MOST_DISCARDED = 64L << 20;

  private final SocketChannel client;
  private final EgressProxy proxy;
  private volatile @Nullable SocketChannel origin;
  private volatile boolean closed;
  private volatile long lastMoved = System.nanoTime();

  EgressConnection(SocketChannel client, EgressProxy proxy) {
    this.client = client;
    this.proxy = proxy;
  }

  void run() {
    try {
      Optional<RequestHead> read = RequestHead.read(client);
      if (read.isEmpty()) {
        refuse(400, "not a proxy request: CONNECT host:port, or an absolute http: address");
        discard();
        return;
      }
      RequestHead head = read.get();
      Optional<String> refusal = proxy.policy().refusal(head.host(), head.port());
      if (refusal.isPresent()) {
        deny(head, refusal.get());
        discard();
        return;
      }
      Optional<String> spent = proxy.listener().spent();
      if (spent.isPresent()) {
        refuse(503, spent.get());
        discard();
        return;
      }
      SocketChannel reached = reach(head);
      if (reached == null) {
        discard();
        return;
      }
      origin = reached;
      if (closed) {
        close(); // the plugin was stopped meanwhile: nothing of it goes out any more
      } else if (head.isConnect()) {
        tunnel(head, reached);
      } else if (send(head.toOrigin(), reached, true)) {
        relay(() -> copyBody(head, reached), () -> copyAnswer(reached));
      }
    } catch (IOException _) {
      // Either side has gone; the other is told by the close.
    }
  }

  /** Says that there are too many. */
  void turnAway() {
    try {
      refuse(503, "more than " + proxy.limits().connections() + " connections at once");
      discard();
    } catch (IOException _) {
      // It has gone.
    }
  }

  private void deny(RequestHead head, String why) throws IOException {
    String destination = Text.printable(head.host(), 255) + ":" + head.port();
    proxy.listener().onDenied(destination, why);
    refuse(403, destination + " is not allowed: " + why);
  }

  /** Answers with a status and a line of text; to be closed afterwards. */
  private void refuse(int status, String why) {
    byte[] text = ("berth egress: " + why + "\n").getBytes(StandardCharsets.UTF_8);
    String phrase =
        switch (status) {
          case 400 -> "Bad Request";
          case 403 -> "Forbidden";
          case 502 -> "Bad Gateway";
          case 504 -> "Gateway Timeout";
          default -> "Service Unavailable";
        };
    String head =
        "HTTP/1.1 "
            + status
            + " "
            + phrase
            + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: "
            + text.length
            + "\r\nConnection: close\r\n\r\n";
    try {
      client.write(ByteBuffer.wrap(head.getBytes(StandardCharsets.US_ASCII)));
      client.write(ByteBuffer.wrap(text));
      client.shutdownOutput();
    } catch (IOException _) {
      // Nobody is left to be told.
    }
  }

  /**
   * Reads what the plugin goes on sending after a refusal, to no use but this: a library that is
   * cut off while it sends a body reports a broken connection and never reads why.
   */
  private void discard() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    long left = MOST_DISCARDED;
    while (left > 0) {
      int count = client.read(buffer.clear());
      if (count < 0) {
        return;
      }
      left -= count;
    }
  }

  /**
   * Looks the name up once, checks each address, and connects to one that passed: a second look-up
   * could give another answer (DNS rebinding).
   */
  private @Nullable SocketChannel reach(RequestHead head) throws IOException {
    long end = System.nanoTime() + proxy.limits().connect().toNanos();
    List<InetAddress> addresses;
    try {
      addresses = proxy.resolver().resolve(head.host(), proxy.limits().connect());
    } catch (TimeoutException _) {
      String limit = proxy.limits().connect().toMillis() + " ms";
      refuse(504, head.host() + ": its address was not found within " + limit);
      return null;
    } catch (UnknownHostException _) {
      refuse(502, head.host() + ": no such host");
      return null;
    }
    String refused = "it has no address";
    String failed = "";
    for (InetAddress address : addresses) {
      Optional<String> refusal = proxy.policy().refusal(head.host(), head.port(), address);
      if (refusal.isPresent()) {
        refused = refusal.get();
        continue;
      }
      int left = (int) TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime());
      if (left <= 0 || closed) {
        failed = failed.isEmpty() ? "no time was left to connect" : failed;
        break;
      }
      try {
        return proxy.connector().connect(new InetSocketAddress(address, head.port()), left);
      } catch (IOException e) {
        failed = String.valueOf(e.getMessage());
      }
    }
    if (failed.isEmpty()) {
      deny(head, refused);
    } else {
      refuse(502, head.host() + ":" + head.port() + ": " + failed);
    }
    return null;
  }

  private void tunnel(RequestHead head, SocketChannel reached) throws IOException {
    client.write(
        ByteBuffer.wrap(
            "HTTP/1.1 200 Connection established\r\n\r\n".getBytes(StandardCharsets.US_ASCII)));
    ByteBuffer first = ByteBuffer.allocate(BUFFER);
    first.put(head.rest());
    if (head.port() == 443) {
      if (mayPass(first, head) && send(first.flip(), reached, true)) {
        relay(() -> copy(client, reached, true), () -> copy(reached, client, false));
      }
      return;
    }
    // On other ports the server may be the one to speak first, so the name is looked for on the
    // way.
    relay(
        () -> {
          if (mayPass(first, head) && send(first.flip(), reached, true)) {
            copy(client, reached, true);
          } else {
            close();
          }
        },
        () -> copy(reached, client, false));
  }

  /**
   * Reads until it is clear what the tunnel's first message is, and whether it may pass: TLS must
   * name the host that the tunnel was opened to, and on port 443 it must be TLS.
   */
  private boolean mayPass(ByteBuffer first, RequestHead head) throws IOException {
    Optional<String> why = hello(first, head);
    why.ifPresent(w -> proxy.listener().onDenied(head.host() + ":" + head.port(), w));
    return why.isEmpty();
  }

  private Optional<String> hello(ByteBuffer first, RequestHead head) throws IOException {
    boolean mustBeTls = head.port() == 443;
    while (true) {
      switch (ServerName.find(first.duplicate().flip())) {
        case ServerName.Found.NotTls _ -> {
          return mustBeTls
              ? Optional.of("a tunnel to port 443 that does not speak TLS")
              : Optional.empty();
        }
        case ServerName.Found.Unreadable _ -> {
          return Optional.of(
              "its TLS does not begin with one whole ClientHello that names at most one host");
        }
        case ServerName.Found.Hello(Optional<String> name) -> {
          if (name.isEmpty()
              || Destination.normalHost(name.get()).equals(Optional.of(head.host()))) {
            return Optional.empty();
          }
          return Optional.of("its TLS names " + Text.printable(name.get(), 255));
        }
        case ServerName.Found.Incomplete _ -> {
          if (!first.hasRemaining() || client.read(first) < 0) {
            return mustBeTls || first.position() > 5
                ? Optional.of("a tunnel that ended before its TLS began")
                : Optional.empty();
          }
        }
      }
    }
  }

  /** A direction of a connection. */
  private interface Direction {
    void copy() throws IOException;
  }

  /** Copies both ways until both have ended. */
  private void relay(Direction upwards, Direction downwards) throws IOException {
    Thread up =
        Thread.ofVirtual()
            .name("egress-up")
            .start(() -> {
              try {
                upwards.copy();
              } catch (IOException _) {
                close();
              }
            });
    try {
      downwards.copy();
      up.join();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  private void copy(SocketChannel from, SocketChannel to, boolean up) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    while (from.read(buffer) >= 0) {
      if (!send(buffer.flip(), to, up)) {
        close();
        return;
      }
      buffer.clear();
    }
    to.shutdownOutput();
  }

  /**
   * Copies the body of a plain request, and nothing after it. What comes after it ends the way up,
   * so that the destination has no reason to wait for more.
   */
  private void copyBody(RequestHead head, SocketChannel reached) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    buffer.put(head.rest());
    do {
      boolean more = head.body().take(buffer.flip());
      if (!send(buffer, reached, true)) {
        close();
        return;
      }
      if (more) {
        reached.shutdownOutput();
        return;
      }
      buffer.clear();
    } while (client.read(buffer) >= 0);
    reached.shutdownOutput();
  }

  /**
   * Copies the answer to a plain request, and says in its head that the connection ends with it.
   */
  private void copyAnswer(SocketChannel reached) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER);
    boolean heads = true;
    while (heads) {
      int end = RequestHead.endOfHead(buffer.array(), 3, buffer.position());
      if (end >= 0) {
        AnswerHead head = AnswerHead.read(buffer.array(), end);
        if (!send(head.bytes(), client, false)) {
          close();
          return;
        }
        buffer.flip().position(end);
        buffer.compact();
        heads = head.interim();
      } else {
        // What has no head that can be read passes as it is.
        heads = buffer.hasRemaining() && reached.read(buffer) >= 0;
      }
    }
    if (send(buffer.flip(), client, false)) {
      copy(reached, client, false);
    } else {
      close();
    }
  }

  private boolean send(ByteBuffer bytes, SocketChannel to, boolean up) throws IOException {
    int size = bytes.remaining();
    if (!proxy.listener().mayMove(up ? 0 : size, up ? size : 0)) {
      return false;
    }
    while (bytes.hasRemaining()) {
      to.write(bytes);
      lastMoved = System.nanoTime();
    }
    return true;
  }

  void closeIfIdle(Duration idle) {
    if (System.nanoTime() - lastMoved > idle.toNanos()) {
      close();
    }
  }

  void close() {
    closed = true;
    close(client);
    SocketChannel reached = origin;
    if (reached != null) {
      close(reached);
    }
  }

  private static void close(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException _) {
      // Closed enough.
    }
  }
}
