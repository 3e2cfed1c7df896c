package dev.berth.host.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EgressProxyTest {
  @TempDir Path folder;
  private HttpServer origin;
  private final CountingListener told = new CountingListener();
  private final BlockingQueue<String> denials = told.denials;
  private final List<String> requests = new ArrayList<>();
  private Connector connector = Connector.SYSTEM;
  private EgressProxy proxy;

  @BeforeEach
  void startOrigin() throws IOException {
    origin = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    origin.createContext(
        "/",
        exchange -> {
          String body =
              new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
          synchronized (requests) {
            requests.add(
                exchange.getRequestMethod()
                    + " "
                    + exchange.getRequestURI()
                    + " host="
                    + exchange.getRequestHeaders().getFirst("Host")
                    + " secret="
                    + exchange.getRequestHeaders().getFirst("Proxy-Authorization")
                    + " body="
                    + body);
          }
          byte[] answer = "pong".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, answer.length);
          exchange.getResponseBody().write(answer);
          exchange.close();
        });
    origin.start();
  }

  @AfterEach
  void stop() {
    if (proxy != null) {
      proxy.close();
    }
    origin.stop(0);
  }

  private int port() {
    return origin.getAddress().getPort();
  }

  private void open(EgressPolicy policy, EgressLimits limits, NameResolver resolver) {
    proxy = EgressProxy.open(folder.resolve("e.sock"), policy, limits, resolver, connector, told);
  }

  private void openExcepting(String... exceptions) {
    open(
        new EgressPolicy(
            List.of(), List.of(), List.of(exceptions).stream().map(Destination::parse).toList()),
        EgressLimits.DEFAULT,
        NameResolver.SYSTEM);
  }

  private SocketChannel connect() throws IOException {
    return SocketChannel.open(UnixDomainSocketAddress.of(folder.resolve("e.sock")));
  }

  private static String read(SocketChannel from) throws IOException {
    StringBuilder text = new StringBuilder();
    ByteBuffer buffer = ByteBuffer.allocate(4096);
    try {
      while (from.read(buffer.clear()) >= 0) {
        text.append(new String(buffer.array(), 0, buffer.position(), StandardCharsets.UTF_8));
      }
    } catch (IOException _) {
      // Reset: what came before is what there is.
    }
    return text.toString();
  }

  private String ask(String request) throws IOException {
    try (SocketChannel client = connect()) {
      client.write(ByteBuffer.wrap(request.getBytes(StandardCharsets.ISO_8859_1)));
      return read(client);
    }
  }

  @Test
  void passes_a_plain_request_on_without_what_was_meant_for_the_proxy() throws Exception {
    openExcepting("127.0.0.1:" + port());
    String answer =
        ask(
            "POST http://127.0.0.1:"
                + port()
                + "/a?b=1 HTTP/1.1\r\nHost: elsewhere\r\nProxy-Authorization: x\r\n"
                + "Content-Length: 2\r\n\r\nhi");
    assertThat(answer).startsWith("HTTP/1.1 200").endsWith("pong");
    assertThat(requests)
        .containsExactly("POST /a?b=1 host=127.0.0.1:" + port() + " secret=null body=hi");
    assertThat(told.received).hasPositiveValue();
    assertThat(told.sent).hasPositiveValue();
  }

  @Test
  void only_the_first_request_of_a_connection_passes() throws Exception {
    openExcepting("127.0.0.1:" + port());
    String one = "GET http://127.0.0.1:" + port() + "/one HTTP/1.1\r\n\r\n";
    String two = "GET http://127.0.0.1:" + port() + "/two HTTP/1.1\r\n\r\n";
    ask(one + two);
    assertThat(requests).singleElement().asString().startsWith("GET /one");
  }

  @Test
  void tunnels_to_a_place_the_operator_excepted() throws Exception {
    openExcepting("127.0.0.1:" + port());
    try (SocketChannel client = connect()) {
      String text =
          "CONNECT 127.0.0.1:"
              + port()
              + " HTTP/1.1\r\n\r\nGET /t HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
      client.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.ISO_8859_1)));
      assertThat(read(client)).startsWith("HTTP/1.1 200 Connection").endsWith("pong");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "169.254.169.254", "[fd00:ec2::254]", "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.0.1",
        "100.64.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0x7f.1", "localhost"
      })
  void NET_02_private_and_metadata_addresses_are_refused_with_403(String host) throws Exception {
    // Numeric forms that aren't literals are looked up; a resolver that knows them is the worst
    // case.
    open(
        new EgressPolicy(List.of(), List.of(), List.of()),
        EgressLimits.DEFAULT,
        name ->
            AddressRules.literal(name)
                .map(List::of)
                .orElse(List.of(InetAddress.getLoopbackAddress())));
    assertThat(ask("GET http://" + host + "/latest HTTP/1.1\r\n\r\n"))
        .startsWith("HTTP/1.1 403")
        .contains("is not allowed");
    assertThat(ask("CONNECT " + host + ":443 HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 403");
    assertThat(denials).hasSize(2);
    assertThat(requests).isEmpty();
  }

  /** Connects nowhere but to the origin, and remembers what it was asked for. */
  private List<InetSocketAddress> connectToOriginOnly() {
    List<InetSocketAddress> asked = Collections.synchronizedList(new ArrayList<>());
    connector =
        (address, _) -> {
          asked.add(address);
          return SocketChannel.open(origin.getAddress());
        };
    return asked;
  }

  private void openToPublic(NameResolver resolver) {
    open(new EgressPolicy(List.of(), List.of(), List.of()), EgressLimits.DEFAULT, resolver);
  }

  @Test
  void NET_03_a_name_is_looked_up_once_and_the_address_checked_is_the_one_connected_to()
      throws Exception {
    var lookUps = new AtomicInteger();
    InetAddress open = InetAddress.ofLiteral("93.184.215.14");
    var asked = connectToOriginOnly();
    // Public to whoever asks first, the host's own to whoever asks again.
    openToPublic(
        _ -> List.of(lookUps.getAndIncrement() == 0 ? open : InetAddress.getLoopbackAddress()));
    assertThat(ask("GET http://rebind.example/ HTTP/1.1\r\n\r\n")).endsWith("pong");
    assertThat(lookUps).hasValue(1);
    assertThat(asked).containsExactly(new InetSocketAddress(open, 80));
    for (String again :
        List.of("GET http://rebind.example/ HTTP/1.1", "CONNECT rebind.example:443 HTTP/1.1")) {
      assertThat(ask(again + "\r\n\r\n"))
          .startsWith("HTTP/1.1 403")
          .contains("it leads to 127.0.0.1 (loopback)");
    }
    assertThat(lookUps).hasValue(3);
    assertThat(asked).hasSize(1);
    assertThat(requests).hasSize(1);
  }

  @Test
  void NET_03_a_name_that_leads_inside_by_an_alias_is_refused_before_any_connection()
      throws Exception {
    var asked = connectToOriginOnly();
    // A resolver follows aliases (CNAME); what it hands over is where they end.
    openToPublic(_ ->
        List.of(
            InetAddress.ofLiteral("10.1.2.3"),
            InetAddress.ofLiteral("169.254.169.254"),
            InetAddress.ofLiteral("fd00:ec2::254")));
    assertThat(ask("GET http://alias.example/ HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 403");
    assertThat(asked).isEmpty();
    assertThat(denials).singleElement().asString().startsWith("alias.example:80: it leads to ");
  }

  @Test
  void NET_03_of_mixed_addresses_only_the_public_ones_are_tried() throws Exception {
    var asked = connectToOriginOnly();
    InetAddress open = InetAddress.ofLiteral("93.184.215.14");
    openToPublic(
        _ -> List.of(InetAddress.getLoopbackAddress(), open, InetAddress.ofLiteral("192.168.0.1")));
    assertThat(ask("GET http://mixed.example/ HTTP/1.1\r\n\r\n")).endsWith("pong");
    assertThat(asked).containsExactly(new InetSocketAddress(open, 80));
  }

  @Test
  void NET_06_other_ports_and_bad_requests_are_refused() throws Exception {
    open(
        new EgressPolicy(List.of(), List.of(), List.of()),
        new EgressLimits(2, Duration.ofSeconds(30), Duration.ofSeconds(1)),
        NameResolver.SYSTEM);
    assertThat(ask("CONNECT example.com:22 HTTP/1.1\r\n\r\n")).startsWith("HTTP/1.1 403");
    for (String bad :
        List.of(
            "GET / HTTP/1.1\r\n\r\n",
            "GET https://a/ HTTP/1.1\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\n folded\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nX : y\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nX: y\nEvil: z\r\n\r\n",
            "GET http://u:p@a/ HTTP/1.1\r\n\r\n",
            "CONNECT a HTTP/1.1\r\n\r\n",
            "nonsense\r\n\r\n")) {
      assertThat(ask(bad)).as(bad).startsWith("HTTP/1.1 400");
    }
  }

  @Test
  void NET_06_too_many_connections_are_refused() throws Exception {
    open( // one to which nobody has connected: those that were answered take their place for a
        // while
        new EgressPolicy(List.of(), List.of(), List.of()),
        new EgressLimits(2, Duration.ofSeconds(30), Duration.ofSeconds(1)),
        NameResolver.SYSTEM);
    try (SocketChannel one = connect();
        SocketChannel two = connect()) {
      one.write(ByteBuffer.wrap(new byte[] {'G'}));
      two.write(ByteBuffer.wrap(new byte[] {'G'}));
      assertThat(ask("")).startsWith("HTTP/1.1 503");
    }
  }

  @Test
  void NET_06_an_idle_connection_is_closed() throws Exception {
    open(
        new EgressPolicy(List.of(), List.of(), List.of()),
        new EgressLimits(2, Duration.ofMillis(100), Duration.ofSeconds(1)),
        NameResolver.SYSTEM);
    try (SocketChannel client = connect()) {
      assertThat(read(client)).isEmpty();
    }
  }

  @Test
  void NET_06_reads_the_name_out_of_a_tls_hello_of_any_length() throws Exception {
    assertThat(ServerName.find(hello("good.example")))
        .isEqualTo(new ServerName.Found.Hello(java.util.Optional.of("good.example")));
    assertThat(
            ServerName.find(ByteBuffer.wrap("GET / HTTP/1.1".getBytes(StandardCharsets.US_ASCII))))
        .isEqualTo(new ServerName.Found.NotTls());
    ByteBuffer whole = hello("good.example");
    for (int n = 1; n < whole.remaining(); n++) {
      assertThat(ServerName.find(whole.slice(0, n))).isEqualTo(new ServerName.Found.Incomplete());
    }
  }

  /** A hello of these extensions' bytes. */
  private static ByteBuffer helloOf(byte[]... extensions) {
    ByteBuffer body = ByteBuffer.allocate(512);
    body.putShort((short) 0x303).put(new byte[32]).put((byte) 0);
    body.putShort((short) 2).putShort((short) 0x1301).put((byte) 1).put((byte) 0);
    int length = 0;
    for (byte[] extension : extensions) {
      length += extension.length;
    }
    body.putShort((short) length);
    for (byte[] extension : extensions) {
      body.put(extension);
    }
    body.flip();
    ByteBuffer record = ByteBuffer.allocate(1024);
    record.put((byte) 22).putShort((short) 0x301).putShort((short) (body.remaining() + 4));
    record.putInt(1 << 24 | body.remaining()).put(body);
    return record.flip();
  }

  /** A server_name extension: the type of each entry, and its name. */
  private static byte[] names(Object... typesAndNames) {
    ByteBuffer list = ByteBuffer.allocate(256);
    for (int i = 0; i < typesAndNames.length; i += 2) {
      byte[] name = ((String) typesAndNames[i + 1]).getBytes(StandardCharsets.US_ASCII);
      list.put(((Integer) typesAndNames[i]).byteValue()).putShort((short) name.length).put(name);
    }
    list.flip();
    ByteBuffer extension = ByteBuffer.allocate(256);
    extension.putShort((short) 0).putShort((short) (list.remaining() + 2));
    extension.putShort((short) list.remaining()).put(list).flip();
    byte[] bytes = new byte[extension.remaining()];
    extension.get(bytes);
    return bytes;
  }

  @Test
  void NET_06_a_tls_hello_with_more_than_one_name_is_unreadable() {
    var one = new ServerName.Found.Hello(java.util.Optional.of("good.example"));
    var unreadable = new ServerName.Found.Unreadable();
    assertThat(ServerName.find(helloOf(names(0, "good.example")))).isEqualTo(one);
    assertThat(ServerName.find(helloOf()))
        .isEqualTo(new ServerName.Found.Hello(java.util.Optional.empty()));
    for (ByteBuffer hello :
        List.of(
            helloOf(names(1, "good.example")),
            helloOf(names(1, "good.example", 0, "evil.test")),
            helloOf(names(0, "good.example", 0, "evil.test")),
            helloOf(names(0, "good.example", 1, "evil.test")),
            helloOf(names()),
            helloOf(names(0, "good.example"), names(0, "evil.test")),
            helloOf(names(0, "good.example"), new byte[] {0, 0}))) {
      assertThat(ServerName.find(hello)).isEqualTo(unreadable);
    }
    byte[] trailing = names(0, "good.example");
    trailing[5]--; // The list ends before the extension does.
    assertThat(ServerName.find(helloOf(trailing))).isEqualTo(unreadable);
  }

  @Test
  void a_proxy_that_cannot_listen_leaves_nothing_open() throws Exception {
    Path descriptors = Path.of("/proc/self/fd");
    Path nowhere = folder.resolve("missing").resolve("e.sock");
    long before;
    try (var open = Files.list(descriptors)) {
      before = open.count();
    }
    for (int i = 0; i < 50; i++) {
      assertThatThrownBy(() ->
              EgressProxy.open(
                  nowhere,
                  new EgressPolicy(List.of(), List.of(), List.of()),
                  EgressLimits.DEFAULT,
                  (_, _) -> {}))
          .hasMessageContaining("can't listen on");
    }
    try (var open = Files.list(descriptors)) {
      assertThat(open.count()).isLessThan(before + 25);
    }
  }

  @Test
  void passes_nothing_that_may_not_move_and_says_why_when_nothing_may() throws Exception {
    var left = new AtomicInteger(120);
    proxy =
        EgressProxy.open(
            folder.resolve("e.sock"),
            new EgressPolicy(
                List.of(), List.of(), List.of(Destination.parse("127.0.0.1:" + port()))),
            EgressLimits.DEFAULT,
            new EgressListener() {
              @Override
              public void onDenied(String destination, String why) {}

              @Override
              public boolean mayMove(long in, long out) {
                return left.addAndGet(-(int) (in + out)) >= 0;
              }

              @Override
              public Optional<String> spent() {
                return left.get() < 0 ? Optional.of("all is spent") : Optional.empty();
              }
            });
    String request = "GET http://127.0.0.1:" + port() + "/ HTTP/1.1\r\n\r\n";
    assertThat(ask(request)).isEmpty();
    assertThat(requests).hasSize(1);
    assertThat(ask(request)).startsWith("HTTP/1.1 503").endsWith("berth egress: all is spent\n");
    assertThat(requests).hasSize(1);
  }

  static ByteBuffer hello(String name) throws Exception {
    SSLEngine engine = SSLContext.getDefault().createSSLEngine();
    engine.setUseClientMode(true);
    var parameters = engine.getSSLParameters();
    parameters.setServerNames(List.of(new SNIHostName(name)));
    engine.setSSLParameters(parameters);
    engine.beginHandshake();
    ByteBuffer out = ByteBuffer.allocate(32 * 1024);
    engine.wrap(ByteBuffer.allocate(0), out);
    return out.flip();
  }
}
