package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.AfterParameterizedClassInvocation;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import tools.jackson.databind.JsonNode;

/** What a plugin reaches, and what it doesn't, from each kind of sandbox. */
@Timeout(120)
final class EgressTest extends OneHost {
  private static final int HOURLY_MB = 5;
  private static final int BIG = 4 << 20;

  private static LoopbackServer web;
  private static LoopbackServer other;

  @BeforeParameterizedClassInvocation
  static void listen() {
    web = new LoopbackServer();
    other = new LoopbackServer();
  }

  @AfterParameterizedClassInvocation
  static void end() {
    web.close();
    other.close();
  }

  @Override
  Hosting hosting() {
    return kind.hosting()
        .withEgress(new Hosting.Egress(List.of(web.place(), other.place()), List.of(), HOURLY_MB));
  }

  @BeforeEach
  void forget() {
    web.requests().clear();
    other.requests().clear();
  }

  private String caller() {
    return running("caller");
  }

  private static String get(String url) {
    return "{\"do\":\"get\",\"url\":\"" + url + "\"}";
  }

  /** The caller with other lines in its plugin.yaml. */
  private String variant(String name, String yaml) {
    return running(Pack.variant(Fixtures.plugin("caller"), folder, name, "class: Caller\n" + yaml));
  }

  private int status(String id, LoopbackServer place) {
    return ask(id, get("http://" + place.place() + "/x")).path("status").asInt();
  }

  @Test
  void a_plugin_with_the_permission_reaches_what_the_operator_allows_and_is_counted() {
    String id = caller();
    JsonNode answer = ask(id, get("http://" + web.place() + "/hello?x=1"));
    assertThat(answer.path("status").asInt()).isEqualTo(200);
    assertThat(answer.path("text").asString()).contains("done");
    assertThat(web.requests())
        .singleElement()
        .asString()
        .isEqualTo("GET /hello?x=1 " + web.place() + " ");
    assertThat(ask(id, get("http://" + web.place() + "/big")).path("length").asInt())
        .isEqualTo(BIG);
    JsonNode stats = berth().get("/api/plugins/" + id + "/stats").json();
    assertThat(stats.path("network_rx_bytes").asLong()).isBetween((long) BIG, (long) BIG + 4096);
    assertThat(stats.path("network_tx_bytes").asLong()).isBetween(50L, 5000L);
  }

  @Test
  @DisplayName("NET-01 without the permission there is no network at all")
  void net01() {
    String id = variant("quiet", "");
    for (String host :
        List.of("127.0.0.1", "127.0.0.2", "10.0.0.1", "169.254.169.254", "8.8.8.8")) {
      for (boolean udp : List.of(false, true)) {
        assertThat(connect(id, host, 53, udp))
            .as(host + " udp " + udp)
            .isEqualTo(
                !host.equals("127.0.0.1")
                    ? "ENETUNREACH"
                    : udp ? "connected" : "ECONNREFUSED"); // its own loopback; UDP asks nobody
      }
    }
    assertThat(connect(id, "2001:4860:4860::8888", 53, false)).isIn("ENETUNREACH", "EADDRNOTAVAIL");
    assertThat(connect(id, "127.0.0.1", web.port(), false)).isEqualTo("ECONNREFUSED");
    assertThat(ask(id, "{\"do\":\"lookup\",\"host\":\"example.com\"}").path("found").asString())
        .isEmpty();
    hasNoWayOut(id);
  }

  /** What comes of a connection past the proxy. */
  private String connect(String id, String host, int port, boolean udp) {
    String what = "{\"do\":\"connect\",\"host\":\"%s\",\"port\":%d,\"udp\":%s}";
    return ask(id, what.formatted(host, port, udp)).path("error").asString();
  }

  private void hasNoWayOut(String id) {
    assertThat(ask(id, "{\"do\":\"environment\"}").isEmpty()).isTrue();
    assertThat(ask(id, "{\"do\":\"sockets\"}").path("found").isEmpty()).isTrue();
  }

  @Test
  void an_optional_permission_opens_nothing_by_itself() {
    hasNoWayOut(variant("hopeful", "optional_permissions: [network_access]\n"));
  }

  @Test
  @DisplayName("NET-02 what is not public is refused, however it is written")
  void net02() {
    String id = caller();
    for (String host :
        List.of(
            "169.254.169.254",
            "[fd00:ec2::254]",
            "127.0.0.1",
            "127.9.9.9",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.0.1",
            "100.64.0.1",
            "[::ffff:127.0.0.1]",
            "[::1]",
            "0.0.0.0",
            "localhost")) {
      JsonNode answer = ask(id, get("http://" + host + "/latest/meta-data"));
      assertThat(answer.path("status").asInt()).as(host + ": " + answer).isEqualTo(403);
      assertThat(answer.path("text").asString()).startsWith("berth egress: ");
    }
    // Forms that only some libraries read as an address are no host name either.
    for (String host : List.of("2130706433", "0x7f.1", "0177.0.0.1")) {
      JsonNode answer = ask(id, get("http://" + host + "/latest/meta-data"));
      assertThat(answer.path("status").asInt()).as(host + ": " + answer).isIn(403, 400, 502);
      assertThat(answer.path("text").asString()).startsWith("berth egress: ");
    }
    assertThat(web.requests()).isEmpty();
    assertThat(berth().get("/api/plugins/" + id + "/logs").body())
        .contains("network: 169.254.169.254:80 was refused");
  }

  @Test
  @DisplayName("NET-05 with the permission there is still no route but the proxy")
  void net05() {
    String id = caller();
    for (String host : List.of("172.17.0.1", "10.0.2.2", "192.168.0.1", "169.254.169.254")) {
      assertThat(connect(id, host, 80, false)).as(host).isEqualTo("ENETUNREACH");
    }
    assertThat(ask(id, "{\"do\":\"sockets\"}").path("found"))
        .singleElement()
        .extracting(JsonNode::asString)
        .isEqualTo("/run/egress.sock");
  }

  @Test
  @DisplayName("NET-06 the proxy takes one well-formed request a connection, to where it may go")
  void net06() {
    String id = caller();
    assertThat(raw(id, "CONNECT github.com:22 HTTP/1.1\\r\\n\\r\\n")).startsWith("HTTP/1.1 403");
    assertThat(raw(id, "GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")).startsWith("HTTP/1.1 400");
    String smuggled =
        "GET http://%s/one HTTP/1.1\\r\\nHost: inside\\r\\n\\r\\n"
            + "GET http://127.0.0.1:1/two HTTP/1.1\\r\\nHost: inside\\r\\n\\r\\n";
    assertThat(raw(id, smuggled.formatted(web.place()))).startsWith("HTTP/1.1 200");
    assertThat(web.requests()).singleElement().asString().startsWith("GET /one " + web.place());
    assertThat(raw(id, "CONNECT " + web.place() + " HTTP/1.1\\r\\nA: b\\r\\n c\\r\\n\\r\\n"))
        .startsWith("HTTP/1.1 400");
    // A redirect is the plugin's next request, and judged as such.
    JsonNode away = ask(id, get("http://" + web.place() + "/away"));
    assertThat(away.path("status").asInt()).isEqualTo(403);
    assertThat(away.path("text").asString()).contains("127.0.0.1:1");
  }

  private String raw(String id, String bytes) {
    return ask(id, "{\"do\":\"raw\",\"send\":\"" + bytes + "\"}").path("text").asString();
  }

  @Test
  @DisplayName("NET-06 thirty-two connections at once, and those that are closed make room")
  void net06Connections() {
    String id = caller();
    String hold = "{\"do\":\"hold\",\"count\":%d,\"to\":\"" + web.place() + "\"}";
    assertThat(ask(id, hold.formatted(80)).path("good").asInt()).isEqualTo(32);
    var _ = ask(id, "{\"do\":\"drop\"}");
    int again = 0;
    for (int i = 0; i < 50 && again < 10; i++) { // the proxy hears of each close by itself
      again += ask(id, hold.formatted(1)).path("good").asInt();
    }
    assertThat(again).isEqualTo(10);
  }

  @Test
  void the_manifests_egress_bounds_the_plugin() {
    String id =
        variant(
            "narrow",
            "permissions: [network_access]\negress: ['api.example.com', 'localhost:1']\n");
    JsonNode answer = ask(id, get("http://" + web.place() + "/x"));
    assertThat(answer.path("status").asInt()).isEqualTo(403);
    assertThat(answer.path("text").asString()).contains("plugin.yaml's egress does not list it");
    String log = berth().get("/api/plugins/" + id + "/logs").body();
    assertThat(log).contains("network: " + web.place() + " was refused");
  }

  @Test
  void the_list_of_one_plugin_opens_nothing_for_another() {
    String list = "permissions: [network_access]\negress: ['%s']\n";
    String one = variant("one", list.formatted(web.place()));
    String two = variant("two", list.formatted(other.place()));
    assertThat(status(one, web)).isEqualTo(200);
    assertThat(status(one, other)).isEqualTo(403);
    assertThat(status(two, other)).isEqualTo(200);
    assertThat(status(two, web)).isEqualTo(403);
    assertThat(web.requests()).hasSize(1);
    assertThat(other.requests()).hasSize(1);
  }

  @Test
  @DisplayName("NET-06 an hour's bytes are all a plugin gets, with a new worker too")
  void net06Bytes() {
    String greedy = caller();
    String big = get("http://" + web.place() + "/big");
    assertThat(ask(greedy, big).path("length").asInt()).isEqualTo(BIG);
    Answer more = berth().execute(greedy, big);
    assertThat(more.json().path("success").asBoolean()).as(more.body()).isFalse();
    String why = "the limit of 5242880 bytes within an hour is reached (serve --egress-size)";
    assertThat(berth().get("/api/plugins/" + greedy + "/logs").body()).contains(why);
    String little = get("http://" + web.place() + "/x");
    assertThat(ask(greedy, little).path("text").asString()).contains(why);
    var _ = berth().execute(greedy, "{\"do\":\"die\"}");
    assertThat(ask(greedy, little).path("text").asString()).contains(why);
    JsonNode stats = berth().get("/api/plugins/" + greedy + "/stats").json();
    assertThat(stats.path("restarts").asInt()).as(stats.toString()).isEqualTo(1);
    assertThat(stats.path("network_rx_bytes").asLong())
        .isBetween((long) BIG, (long) HOURLY_MB << 20);

    String another = variant("another", "permissions: [network_access]\negress: []\n");
    assertThat(status(another, web)).isEqualTo(200);
  }

  @Test
  void a_worker_leaves_no_socket_behind() throws IOException {
    String id = caller();
    Path sockets = berth().data().resolve("run/egress");
    try (var found = Files.list(sockets)) {
      assertThat(found).hasSize(1);
    }
    assertThat(berth().post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    try (var found = Files.list(sockets)) {
      assertThat(found).isEmpty();
    }
  }
}
