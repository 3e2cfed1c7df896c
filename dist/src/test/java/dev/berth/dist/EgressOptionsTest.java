package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.cli.Hosting;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an operator says of the network: it bounds the plugins' lists, and the host itself. */
@Timeout(120)
final class EgressOptionsTest {
  @TempDir Path folder;

  @Test
  void what_a_plugin_lists_opens_nothing_beside_the_operators_list() {
    try (var web = new LoopbackServer();
        var berth =
            new RunningBerth(
                folder.resolve("data"),
                Hostings.PROCESS.withEgress(
                    new Hosting.Egress(
                        List.of(web.place()),
                        List.of("api.example.com", "*.example.org"),
                        1024)))) {
      String id =
          berth.running(
              Pack.variant(
                  Fixtures.plugin("caller"),
                  folder,
                  "wide",
                  """
                  class: Caller
                  permissions: [network_access]
                  egress: ['elsewhere.example', 'api.example.com:8443']
                  """));
      assertThat(text(berth, id, "http://elsewhere.example/"))
          .contains("elsewhere.example:80 is not allowed: the operator's egress list");
      assertThat(text(berth, id, "http://api.example.com:8443/"))
          .contains("the operator's egress list");
      // Nor does the operator's list open what the plugin didn't ask for.
      assertThat(text(berth, id, "http://api.example.com/")).contains("plugin.yaml's egress");
      assertThat(text(berth, id, "http://" + web.place() + "/")).contains("plugin.yaml's egress");
      assertThat(web.requests()).isEmpty();
    }
  }

  private static String text(RunningBerth berth, String id, String url) {
    return berth.result(id, "{\"do\":\"get\",\"url\":\"" + url + "\"}").path("text").asString();
  }

  @Test
  @DisplayName("NET-07 nothing is fetched to be installed")
  void net07() {
    try (var web = new LoopbackServer();
        var berth = new RunningBerth(folder.resolve("data"))) {
      for (String url :
          List.of("http://PLACE/a.tar.gz", "file:///etc/passwd", "jar:http://PLACE/a!/x")) {
        // Nothing is installed from an address yet, so nothing must be fetched from one.
        String body = "{\"plugin_url\":\"" + url.replace("PLACE", web.place()) + "\"}";
        assertThat(berth.post("/api/plugins/install", body).code())
            .as(url)
            .isIn("not_implemented", "url_not_allowed");
      }
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
}
