package dev.berth.host.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.PluginException;
import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class EgressPolicyTest {
  private static EgressPolicy of(String plugin, String operator, String exceptions) {
    return new EgressPolicy(list(plugin), list(operator), list(exceptions));
  }

  private static List<Destination> list(String patterns) {
    return patterns.isEmpty()
        ? List.of()
        : List.of(patterns.split(" ")).stream().map(Destination::parse).toList();
  }

  @ParameterizedTest
  @CsvSource({
    "api.example.com, api.example.com, 443, true",
    "api.example.com, api.example.com, 80, true",
    "api.example.com, api.example.com, 8443, false",
    "api.example.com:8443, api.example.com, 8443, true",
    "api.example.com:8443, api.example.com, 443, false",
    "api.example.com, example.com, 443, false",
    "api.example.com, xapi.example.com, 443, false",
    "*.example.com, a.b.example.com, 443, true",
    "*.example.com, example.com, 443, false",
    "*.example.com, badexample.com, 443, false",
    "API.Example.com., api.example.com, 443, true",
    "bücher.example, xn--bcher-kva.example, 443, true",
  })
  void a_manifest_s_list_is_all_a_plugin_may_reach(
      String pattern, String host, int port, boolean allowed) {
    assertThat(of(pattern, "", "").refusal(host, port).isEmpty()).isEqualTo(allowed);
  }

  @Test
  void without_a_list_any_host_on_the_usual_ports() {
    assertThat(of("", "", "").refusal("example.com", 443)).isEmpty();
    assertThat(of("", "", "").refusal("example.com", 22)).isPresent();
  }

  @Test
  void the_operator_s_list_bounds_the_manifest_s() {
    EgressPolicy policy = of("a.example b.example", "b.example c.example", "");
    assertThat(policy.refusal("a.example", 443)).isPresent();
    assertThat(policy.refusal("b.example", 443)).isEmpty();
    assertThat(policy.refusal("c.example", 443)).isPresent();
  }

  @Test
  void an_exception_of_the_operator_s_allows_a_private_address_for_that_place_only() {
    EgressPolicy policy = of("", "", "127.0.0.1:9000");
    InetAddress loopback = InetAddress.getLoopbackAddress();
    assertThat(policy.refusal("127.0.0.1", 9000)).isEmpty();
    assertThat(policy.refusal("127.0.0.1", 9000, loopback)).isEmpty();
    assertThat(policy.refusal("rebound.example", 9000, loopback)).isPresent();
    assertThat(policy.refusal("127.0.0.1", 443, loopback)).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "*", "*.", ":80", "a:0", "a:65536", "a:x", "a b", "a/b", "u@h", "a$b", "[::1"})
  void refuses_what_is_no_destination(String pattern) {
    assertThatThrownBy(() -> Destination.parse(pattern))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("is not a destination. Write HOST");
  }
}
