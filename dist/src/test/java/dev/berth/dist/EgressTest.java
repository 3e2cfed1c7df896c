package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import dev.berth.dist.RunningBerth.Answer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** What a plugin reaches, and what it doesn't, from a real sandbox. */
@Timeout(120)
final class EgressTest {
  @TempDir Path folder;

  private LoopbackServer web;
  private RunningBerth berth;

  @BeforeEach
  void open() {
    web = new LoopbackServer();
    berth =
        new RunningBerth(folder.resolve("data"), Hostings.reaching(Hostings.PROCESS, web.place()));
  }

  @AfterEach
  void close() {
    berth.close();
    web.close();
  }

  private String caller() {
    return berth.running(Pack.tar(Fixtures.plugin("caller"), folder));
  }

  private JsonNode ask(String id, String context) {
    Answer answer = berth.execute(id, context);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  private String get(String url) {
    return "{\"do\":\"get\",\"url\":\"" + url + "\"}";
  }

  /** The caller with another plugin.yaml. */
  private String variant(String name, String yaml) {
    return variant(berth, name, yaml);
  }

  private String variant(RunningBerth host, String name, String yaml) {
    try {
      Path copy = Files.createDirectories(folder.resolve(name));
      Files.copy(Fixtures.plugin("caller").resolve("main.py"), copy.resolve("main.py"));
      Files.writeString(
          copy.resolve("plugin.yaml"),
          "name: " + name + "\nversion: 1.0.0\ndescription: x\nclass: Caller\n" + yaml);
      return host.running(Pack.tar(copy, folder));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
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
        .isEqualTo(4 << 20);
    JsonNode stats = berth.get("/api/plugins/" + id + "/stats").json();
    assertThat(stats.path("network_rx_bytes").asLong()).isBetween(4L << 20, 5L << 20);
    assertThat(stats.path("network_tx_bytes").asLong()).isBetween(50L, 5000L);
  }

  @Test
  @DisplayName("NET-01 without the permission there is no network at all")
  void net01() {
    String id = variant("quiet", "");
    for (String host : List.of("127.0.0.2", "10.0.0.1", "169.254.169.254", "8.8.8.8")) {
      for (String udp : List.of("false", "true")) {
        JsonNode answer =
            ask(
                id,
                "{\"do\":\"connect\",\"host\":\"%s\",\"port\":53,\"udp\":%s}".formatted(host, udp));
        assertThat(answer.path("error").asString())
            .as(host + " udp " + udp)
            .isIn(
                host.startsWith("127.")
                    ? List.of("ECONNREFUSED", "connected") // its own loopback; UDP asks nobody
                    : List.of("ENETUNREACH"));
      }
    }
    assertThat(
            ask(id, "{\"do\":\"connect\",\"host\":\"2001:4860:4860::8888\",\"port\":53}")
                .path("error")
                .asString())
        .isIn("ENETUNREACH", "EADDRNOTAVAIL");
    assertThat(
            ask(id, "{\"do\":\"connect\",\"host\":\"127.0.0.1\",\"port\":" + web.port() + "}")
                .path("error")
                .asString())
        .isEqualTo("ECONNREFUSED");
    assertThat(ask(id, "{\"do\":\"lookup\",\"host\":\"example.com\"}").path("found").asString())
        .isEmpty();
    assertThat(ask(id, "{\"do\":\"environment\"}").isEmpty()).isTrue();
    assertThat(ask(id, "{\"do\":\"sockets\"}").path("found").isEmpty()).isTrue();
  }

  @Test
  void an_optional_permission_opens_nothing_by_itself() {
    String id = variant("hopeful", "optional_permissions: [network_access]\n");
    assertThat(ask(id, "{\"do\":\"environment\"}").isEmpty()).isTrue();
    assertThat(ask(id, "{\"do\":\"sockets\"}").path("found").isEmpty()).isTrue();
  }

  @ParameterizedTest(name = "NET-02 {0}")
  @ValueSource(
      strings = {
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
        "2130706433",
        "0x7f.1",
        "0177.0.0.1",
        "localhost"
      })
  void net02(String host) {
    String id = caller();
    JsonNode answer = ask(id, get("http://" + host + "/latest/meta-data"));
    // Forms that only some libraries read as an address are no host name either.
    assertThat(answer.path("status").asInt()).as(answer.toString()).isIn(403, 400, 502);
    assertThat(answer.path("text").asString()).startsWith("berth egress: ");
    assertThat(web.requests()).isEmpty();
    if (answer.path("status").asInt() == 403) {
      assertThat(berth.get("/api/plugins/" + id + "/logs").body()).contains("was refused");
    }
  }

  @Test
  @DisplayName("NET-05 with the permission there is still no route but the proxy")
  void net05() {
    String id = caller();
    for (String host : List.of("172.17.0.1", "10.0.2.2", "192.168.0.1", "169.254.169.254")) {
      assertThat(
              ask(id, "{\"do\":\"connect\",\"host\":\"" + host + "\",\"port\":80}")
                  .path("error")
                  .asString())
          .isEqualTo("ENETUNREACH");
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
    assertThat(web.requests()).allMatch(r -> r.startsWith("GET /one " + web.place()));
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
    String log = berth.get("/api/plugins/" + id + "/logs").body();
    assertThat(log).contains("network: " + web.place() + " was refused");
    String open =
        variant("open", "permissions: [network_access]\negress: ['" + web.place() + "']\n");
    assertThat(ask(open, get("http://" + web.place() + "/x")).path("status").asInt())
        .isEqualTo(200);
  }

  @Test
  void the_list_of_one_plugin_opens_nothing_for_another() {
    try (var other = new LoopbackServer();
        var both =
            new RunningBerth(
                folder.resolve("both"),
                Hostings.reaching(Hostings.PROCESS, web.place(), other.place()))) {
      String list = "permissions: [network_access]\negress: ['%s']\n";
      String one = variant(both, "one", list.formatted(web.place()));
      String two = variant(both, "two", list.formatted(other.place()));
      assertThat(status(both, one, web)).isEqualTo(200);
      assertThat(status(both, one, other)).isEqualTo(403);
      assertThat(status(both, two, other)).isEqualTo(200);
      assertThat(status(both, two, web)).isEqualTo(403);
      assertThat(web.requests()).hasSize(1);
      assertThat(other.requests()).hasSize(1);
    }
  }

  @Test
  void what_a_plugin_lists_opens_nothing_beside_the_operators_list() {
    try (var bounded =
        new RunningBerth(
            folder.resolve("bounded"),
            Hostings.PROCESS.withEgress(
                new Hosting.Egress(
                    List.of(web.place()), List.of("api.example.com", "*.example.org"), 1024)))) {
      String id =
          variant(
              bounded,
              "wide",
              "permissions: [network_access]\negress: ['elsewhere.example', 'api.example.com:8443']\n");
      assertThat(text(bounded, id, "http://elsewhere.example/"))
          .contains("elsewhere.example:80 is not allowed: the operator's egress list");
      assertThat(text(bounded, id, "http://api.example.com:8443/"))
          .contains("the operator's egress list");
      // Nor does the operator's list open what the plugin didn't ask for.
      assertThat(text(bounded, id, "http://api.example.com/")).contains("plugin.yaml's egress");
      assertThat(text(bounded, id, "http://" + web.place() + "/")).contains("plugin.yaml's egress");
      assertThat(web.requests()).isEmpty();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"--egress-allow", "--egress-only"})
  void serve_refuses_a_place_that_is_none(String option) {
    try (var serve =
        new ServeProcess(
            folder.resolve("never"), Map.of(), "--sandbox", "process", option, "http://a/")) {
      assertThat(serve.failed()).isEqualTo(2);
      assertThat(serve.said())
          .contains("berth: " + option + ": 'http://a/' is not a place: ")
          .doesNotContain("\tat dev.berth");
    }
  }

  private int status(RunningBerth host, String id, LoopbackServer place) {
    return result(host, id, "http://" + place.place() + "/x").path("status").asInt();
  }

  private String text(RunningBerth host, String id, String url) {
    return result(host, id, url).path("text").asString();
  }

  private JsonNode result(RunningBerth host, String id, String url) {
    Answer answer = host.execute(id, get(url));
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json().path("result");
  }

  @Test
  @DisplayName("NET-06 an hour's bytes are all a plugin gets, with a new worker too")
  void net06Bytes() {
    try (var bounded =
        new RunningBerth(
            folder.resolve("little"),
            Hostings.PROCESS.withEgress(new Hosting.Egress(List.of(web.place()), List.of(), 1)))) {
      String greedy = bounded.running(Pack.tar(Fixtures.plugin("caller"), folder));
      assertThat(status(bounded, greedy, web)).isEqualTo(200);
      Answer big = bounded.execute(greedy, get("http://" + web.place() + "/big"));
      assertThat(big.json().path("success").asBoolean()).as(big.body()).isFalse();
      String why = "the limit of 1048576 bytes within an hour is reached (serve --egress-size)";
      assertThat(bounded.get("/api/plugins/" + greedy + "/logs").body()).contains(why);
      assertThat(text(bounded, greedy, "http://" + web.place() + "/x")).contains(why);
      var _ = bounded.execute(greedy, "{\"do\":\"die\"}");
      assertThat(text(bounded, greedy, "http://" + web.place() + "/x")).contains(why);
      JsonNode stats = bounded.get("/api/plugins/" + greedy + "/stats").json();
      assertThat(stats.path("restarts").asInt()).as(stats.toString()).isEqualTo(1);
      assertThat(stats.path("network_rx_bytes").asLong()).isBetween(1L, 1L << 20);

      String other = variant(bounded, "other", "permissions: [network_access]\negress: []\n");
      assertThat(status(bounded, other, web)).isEqualTo(200);
    }
  }

  @ParameterizedTest(name = "NET-07 {0}")
  @ValueSource(strings = {"http://PLACE/a.tar.gz", "file:///etc/passwd", "jar:http://PLACE/a!/x"})
  void net07(String url) {
    // Nothing is installed from an address yet, so nothing must be fetched from one.
    String body = "{\"plugin_url\":\"" + url.replace("PLACE", web.place()) + "\"}";
    assertThat(berth.post("/api/plugins/install", body).code())
        .isIn("not_implemented", "url_not_allowed");
    assertThat(web.requests()).isEmpty();
  }

  @Test
  void a_worker_leaves_no_socket_behind() throws IOException {
    String id = caller();
    Path sockets = folder.resolve("data/run/egress");
    try (var left = Files.list(sockets)) {
      assertThat(left).hasSize(1);
    }
    assertThat(berth.post("/api/plugins/" + id + "/disable").status()).isEqualTo(200);
    assertThat(berth.delete("/api/plugins/" + id).status()).isEqualTo(200);
    try (var left = Files.list(sockets)) {
      assertThat(left).isEmpty();
    }
  }
}
