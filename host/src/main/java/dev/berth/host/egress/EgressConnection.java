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
import org.jspecify.annotations.Nullable;

/** One connection of a plugin through the proxy: one request, or one tunnel. */
final class EgressConnection {
  private static final int BUFFER = 16 * 1024;

  private final SocketChannel client;
  private final EgressProxy proxy;
  private volatile @Nullable SocketChannel origin;
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
        return;
      }
      RequestHead head = read.get();
      Optional<String> refusal = proxy.policy().refusal(head.host(), head.port());
      if (refusal.isPresent()) {
        deny(head, refusal.get());
        return;
      }
      SocketChannel reached = reach(head);
      if (reached == null) {
        return;
      }
      origin = reached;
      if (head.isConnect()) {
        tunnel(head, reached);
      } else {
        ByteBuffer request = head.toOrigin();
        if (!send(request, reached, true) || !send(head.rest(), reached, true)) {
          return;
        }
        relay(reached);
      }
    } catch (IOException _) {
      // Either side has gone; the other is told by the close.
    }
  }

  private void deny(RequestHead head, String why) throws IOException {
    String destination = Text.printable(head.host(), 255) + ":" + head.port();
    proxy.listener().onDenied(destination, why);
    refuse(403, destination + " is not allowed: " + why);
  }

  /** Answers with a status and a line of text, and closes. */
  void refuse(int status, String why) {
    byte[] text = ("berth egress: " + why + "\n").getBytes(StandardCharsets.UTF_8);
    String phrase =
        switch (status) {
          case 400 -> "Bad Request";
          case 403 -> "Forbidden";
          case 502 -> "Bad Gateway";
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
    close();
  }

  /**
   * Looks the name up once, checks each address, and connects to one that passed: a second look-up
   * could give another answer (DNS rebinding).
   */
  private @Nullable SocketChannel reach(RequestHead head) throws IOException {
    List<InetAddress> addresses;
    try {
      addresses = proxy.resolver().resolve(head.host());
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
      SocketChannel channel = SocketChannel.open();
      try {
        channel
            .socket()
            .connect(
                new InetSocketAddress(address, head.port()),
                (int) proxy.limits().connect().toMillis());
        return channel;
      } catch (IOException e) {
        channel.close();
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
      Optional<String> mismatch = readHello(first, head.host());
      if (mismatch.isPresent()) {
        proxy.listener().onDenied(head.host() + ":443", mismatch.get());
        return;
      }
    }
    if (send(first.flip(), reached, true)) {
      relay(reached);
    }
  }

  /** Reads until the tunnel's first message is whole; says why it must not pass, if so. */
  private Optional<String> readHello(ByteBuffer first, String host) throws IOException {
    while (true) {
      switch (ServerName.find(first.duplicate().flip())) {
        case ServerName.Found.NotTls _ -> {
          return Optional.of("a tunnel to port 443 that does not speak TLS");
        }
        case ServerName.Found.Hello(Optional<String> name) -> {
          Optional<String> wanted = name.flatMap(Destination::normalHost);
          if (wanted.isPresent() && !wanted.get().equals(host)) {
            return Optional.of("its TLS names " + Text.printable(wanted.get(), 255));
          }
          return Optional.empty();
        }
        case ServerName.Found.Incomplete _ -> {
          if (!first.hasRemaining() || client.read(first) < 0) {
            return Optional.of("a tunnel to port 443 that ended before its TLS began");
          }
        }
      }
    }
  }

  /** Copies both ways until both have ended. */
  private void relay(SocketChannel reached) throws IOException {
    Thread up =
        Thread.ofVirtual()
            .name("egress-up")
            .start(() -> {
              try {
                copy(client, reached, true);
              } catch (IOException _) {
                close();
              }
            });
    try {
      copy(reached, client, false);
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

  private boolean send(ByteBuffer bytes, SocketChannel to, boolean up) throws IOException {
    int size = bytes.remaining();
    if (!proxy.count(up ? 0 : size, up ? size : 0)) {
      proxy
          .listener()
          .onDenied("(any)", "the limit of " + proxy.limits().bytes() + " bytes is reached");
      return false;
    }
    while (bytes.hasRemaining()) {
      to.write(bytes);
    }
    lastMoved = System.nanoTime();
    return true;
  }

  void closeIfIdle(Duration idle) {
    if (System.nanoTime() - lastMoved > idle.toNanos()) {
      close();
    }
  }

  void close() {
    try {
      client.close();
      SocketChannel reached = origin;
      if (reached != null) {
        reached.close();
      }
    } catch (IOException _) {
      // Closed enough.
    }
  }
}
