package dev.berth.host.egress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SelectionKey;
import java.nio.channels.Selector;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** NET-06: what a plugin does to its proxy that no library would. */
@Timeout(60)
class HostileEgressTest {
  private static final Duration LONG = Duration.ofSeconds(30);

  @TempDir Path folder;
  private ServerSocketChannel origin;
  private final List<EgressProxy> proxies = new ArrayList<>();
  private final CountingListener told = new CountingListener();
  private final BlockingQueue<String> denials = told.denials;

  @BeforeEach
  void listen() throws IOException {
    origin = ServerSocketChannel.open();
    origin.setOption(StandardSocketOptions.SO_RCVBUF, 64 * 1024);
    origin.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
  }

  @AfterEach
  void stop() throws IOException {
    proxies.forEach(EgressProxy::close);
    origin.close();
  }

  private String place() throws IOException {
    return "127.0.0.1:" + ((InetSocketAddress) origin.getLocalAddress()).getPort();
  }

  private EgressProxy open(EgressLimits limits, NameResolver resolver) throws IOException {
    var proxy =
        EgressProxy.open(
            folder.resolve(proxies.size() + ".sock"),
            new EgressPolicy(List.of(), List.of(), List.of(Destination.parse(place()))),
            limits,
            resolver,
            Connector.SYSTEM,
            told);
    proxies.add(proxy);
    return proxy;
  }

  private EgressProxy open() throws IOException {
    return open(EgressLimits.DEFAULT, NameResolver.SYSTEM);
  }

  private static SocketChannel send(EgressProxy proxy, String text) throws IOException {
    var client = SocketChannel.open(UnixDomainSocketAddress.of(proxy.socket()));
    write(client, text);
    return client;
  }

  private static void write(SocketChannel to, String text) throws IOException {
    to.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)));
  }

  /** All that comes until the end, or until {@code last} came. */
  private static String read(SocketChannel from, String last) throws IOException {
    StringBuilder text = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    try {
      while (text.isEmpty() || last.isEmpty() || text.indexOf(last) < 0) {
        if (from.read(buffer.clear()) < 0) {
          break;
        }
        text.append(new String(buffer.array(), 0, buffer.position(), StandardCharsets.ISO_8859_1));
      }
    } catch (IOException _) {
      // Reset: what came before is what there is.
    }
    return text.toString();
  }

  private static String ask(EgressProxy proxy, String text) throws IOException {
    try (SocketChannel client = send(proxy, text)) {
      return read(client, "");
    }
  }

  private SocketChannel tunnel(EgressProxy proxy) throws IOException {
    SocketChannel client = send(proxy, "CONNECT " + place() + " HTTP/1.1\r\n\r\n");
    assertThat(read(client, "\r\n\r\n")).startsWith("HTTP/1.1 200");
    return client;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "GET http://PLACE/\nHost:evil HTTP/1.1\r\n\r\n",
        "GET http://PLACE/\tx HTTP/1.1\r\n\r\n",
        "GET http://PLACE/\rx HTTP/1.1\r\n\r\n",
        "GET http://PLACE/\0 HTTP/1.1\r\n\r\n",
        "GET http://PLACE/ HTTP/1.1x\r\n\r\n",
        "GET http://PLACE\\@evil/ HTTP/1.1\r\n\r\n",
        "GET http://PLACE#@evil/ HTTP/1.1\r\n\r\n",
        "CONNECT PLACE\r\nX: y HTTP/1.1\r\n\r\n",
        "CONNECT PLACE\n HTTP/1.1\r\n\r\n",
        "CONNECT evil\r:443 HTTP/1.1\r\n\r\n",
        "GET http://PLACE/ HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
        "POST http://PLACE/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
        "POST http://PLACE/ HTTP/1.1\r\nContent-Length: 1, 2\r\n\r\nxx",
        "POST http://PLACE/ HTTP/1.1\r\nContent-Length: +1\r\n\r\nx",
        "POST http://PLACE/ HTTP/1.1\r\nContent-Length: 1\r\nConnection: Content-Length\r\n\r\nx",
        "POST http://PLACE/ HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\nx",
        "POST http://PLACE/ HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "POST http://PLACE/ HTTP/1.1\r\nTransfer-Encoding:\u000bchunked\r\n\r\n0\r\n\r\n",
      })
  void what_two_readers_understand_differently_is_no_request(String request) throws Exception {
    assertThat(ask(open(), request.replace("PLACE", place()))).startsWith("HTTP/1.1 400");
    origin.configureBlocking(false);
    assertThat(origin.accept()).isNull();
  }

  @Test
  void a_line_that_the_connection_names_goes_no_further() throws Exception {
    String request =
        "GET http://"
            + place()
            + "/ HTTP/1.1\r\nConnection: close, X-Hop\r\nx-hop: 1\r\nX-Kept: 2\r\n"
            + "CONNECTION: x-other\r\nX-Other: 3\r\n\r\n";
    try (SocketChannel client = send(open(), request);
        SocketChannel server = origin.accept()) {
      String seen = read(server, "\r\n\r\n").toLowerCase(java.util.Locale.ROOT);
      assertThat(seen).contains("x-kept: 2").doesNotContain("x-hop").doesNotContain("x-other");
      assertThat(client.isOpen()).isTrue();
    }
  }

  @Test
  void a_second_request_does_not_reach_the_first_ones_destination() throws Exception {
    try (SocketChannel client =
            send(
                open(),
                "POST http://"
                    + place()
                    + "/one HTTP/1.1\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi");
        SocketChannel server = origin.accept()) {
      assertThat(read(server, "hi")).endsWith("\r\nConnection: close\r\n\r\nhi");
      // A server that keeps the connection whatever it was told.
      write(server, "HTTP/1.1 100 Continue\r\n\r\n");
      write(server, "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok");
      String answer = read(client, "\r\n\r\nok");
      assertThat(answer)
          .startsWith("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n")
          .contains("\r\nConnection: close\r\n")
          .doesNotContain("keep-alive");
      write(client, "GET http://other.example/secret HTTP/1.1\r\nCookie: s=1\r\n\r\n");
      assertThat(read(server, "")).isEmpty();
    }
  }

  @Test
  void a_body_in_chunks_ends_where_it_says() throws Exception {
    try (SocketChannel client =
            send(
                open(),
                "POST http://"
                    + place()
                    + "/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                    + "GET http://other.example/ HTTP/1.1\r\n\r\n");
        SocketChannel server = origin.accept()) {
      assertThat(read(server, "")).endsWith("3\r\nabc\r\n0\r\n\r\n");
      write(server, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
      assertThat(read(client, "\r\n\r\n")).startsWith("HTTP/1.1 200");
    }
  }

  @Test
  void a_head_that_comes_byte_by_byte_has_the_time_of_a_silent_one() throws Exception {
    var proxy = open(new EgressLimits(2, Duration.ofMillis(300), LONG), NameResolver.SYSTEM);
    try (SocketChannel client = send(proxy, "GET http://a/ HTTP/1.1\r\n")) {
      Thread.ofVirtual()
          .start(() -> {
            try {
              while (true) {
                write(client, "x");
                LockSupport.parkNanos(10_000_000);
              }
            } catch (IOException _) {
              // Cut off.
            }
          });
      assertThat(read(client, "")).isEmpty();
    }
  }

  @Test
  void names_that_are_never_found_hold_up_no_other_plugin_and_end_in_time() throws Exception {
    var never = new CountDownLatch(1);
    var asked = new CountDownLatch(4);
    var limits = new EgressLimits(32, LONG, Duration.ofMillis(500));
    EgressProxy hung =
        open(
            limits,
            _ -> {
              asked.countDown();
              boolean over = false;
              while (!over) { // as the system's: it can't be interrupted
                try {
                  never.await();
                  over = true;
                } catch (InterruptedException _) {
                  continue;
                }
              }
              return List.of();
            });
    EgressProxy other = open(EgressLimits.DEFAULT, _ -> List.of(InetAddress.ofLiteral("10.0.0.1")));
    List<SocketChannel> waiting = new ArrayList<>();
    try {
      for (int i = 0; i < 20; i++) {
        waiting.add(send(hung, "GET http://hang" + i + ".example/ HTTP/1.1\r\n\r\n"));
      }
      asked.await();
      assertThat(ask(other, "GET http://inside.example/ HTTP/1.1\r\n\r\n")).contains("10.0.0.1");
      for (SocketChannel client : waiting) {
        assertThat(read(client, "")).startsWith("HTTP/1.1 504").contains("within 500 ms");
      }
      // Addresses in letters need no look-up, so the plugin still reaches those.
      try (SocketChannel tunnel = tunnel(hung)) {
        assertThat(tunnel.isOpen()).isTrue();
      }
    } finally {
      never.countDown();
      for (SocketChannel client : waiting) {
        client.close();
      }
    }
  }

  @Test
  void what_the_plugin_does_not_read_is_not_taken() throws Exception {
    EgressProxy proxy = open();
    try (SocketChannel client = tunnel(proxy);
        SocketChannel server = origin.accept();
        Selector writable = Selector.open()) {
      server.configureBlocking(false);
      server.register(writable, SelectionKey.OP_WRITE);
      ByteBuffer piece = ByteBuffer.allocate(1 << 16);
      while (writable.select(500) > 0) {
        server.write(piece.clear());
        writable.selectedKeys().clear();
        assertThat(told.received).hasValueLessThan(4 << 20);
      }
      assertThat(client.isOpen()).isTrue();
    }
  }

  @Test
  void idle_tunnels_of_one_plugin_leave_another_its_own() throws Exception {
    EgressProxy greedy = open();
    EgressProxy other = open();
    List<SocketChannel> held = new ArrayList<>();
    try {
      for (int i = 0; i < EgressLimits.DEFAULT.connections(); i++) {
        held.add(tunnel(greedy));
      }
      assertThat(ask(greedy, "CONNECT " + place() + " HTTP/1.1\r\n\r\n"))
          .startsWith("HTTP/1.1 503")
          .contains("more than 32 connections at once");
      held.add(tunnel(other));
    } finally {
      for (SocketChannel client : held) {
        client.close();
      }
    }
  }

  @Test
  void each_side_may_end_what_it_says_and_still_listen() throws Exception {
    try (SocketChannel client = tunnel(open());
        SocketChannel server = origin.accept()) {
      write(client, "question");
      client.shutdownOutput();
      assertThat(read(server, "")).isEqualTo("question");
      write(server, "answer");
      server.shutdownOutput();
      assertThat(read(client, "")).isEqualTo("answer");
    }
  }

  @Test
  void a_refusal_is_heard_by_one_who_is_still_sending() throws Exception {
    EgressProxy proxy = open();
    try (SocketChannel client =
        send(proxy, "POST http://10.0.0.1/ HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n")) {
      ByteBuffer body = ByteBuffer.allocate(4_000_000);
      while (body.hasRemaining()) {
        client.write(body);
      }
      assertThat(read(client, "")).startsWith("HTTP/1.1 403").contains("10.0.0.1 (private)");
    }
  }

  @Test
  void on_any_port_tls_must_name_the_host_of_the_tunnel() throws Exception {
    EgressProxy proxy = open();
    try (SocketChannel client = tunnel(proxy);
        SocketChannel server = origin.accept()) {
      client.write(EgressProxyTest.hello("elsewhere.example"));
      assertThat(read(server, "")).isEmpty();
      assertThat(denials.poll(10, TimeUnit.SECONDS))
          .isEqualTo(place() + ": its TLS names elsewhere.example");
    }
    // Cut into two records, of which the first has no name yet.
    ByteBuffer hello = EgressProxyTest.hello("elsewhere.example");
    ByteBuffer cut = ByteBuffer.allocate(45).put(new byte[] {22, 3, 1, 0, 40});
    cut.put(hello.slice(5, 40)).flip();
    try (SocketChannel client = tunnel(proxy);
        SocketChannel server = origin.accept()) {
      client.write(cut);
      assertThat(read(server, "")).isEmpty();
      assertThat(denials.poll(10, TimeUnit.SECONDS)).contains("one whole ClientHello");
    }
  }

  @Test
  void on_other_ports_a_server_may_speak_first_and_another_protocol() throws Exception {
    try (SocketChannel client = tunnel(open());
        SocketChannel server = origin.accept()) {
      write(server, "220 hello");
      assertThat(read(client, "hello")).isEqualTo("220 hello");
      write(client, "EHLO you\r\n");
      assertThat(read(server, "\n")).isEqualTo("EHLO you\r\n");
    }
  }
}
