package dev.berth.host.egress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class EgressOptionsTest {
  @Test
  void takes_what_is_well_formed() {
    assertThat(EgressOptions.allow(List.of("192.168.1.20:8080", "Db.Example:5432")))
        .containsExactly(
            new Destination("192.168.1.20", false, 8080),
            new Destination("db.example", false, 5432));
    assertThat(EgressOptions.only(List.of("api.example", "*.example:8443")))
        .containsExactly(
            new Destination("api.example", false, 0), new Destination("example", true, 8443));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"", "http://a", "a:0", "a:65536", "a:b", "a b", "*", "a/b:80", "0177.1:80"})
  void what_is_no_place_is_refused_with_the_option_and_the_remedy(String place) {
    assertThatThrownBy(() -> EgressOptions.allow(List.of("ok.example:80", place)))
        .isInstanceOfSatisfying(
            PluginException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.BAD_REQUEST))
        .hasMessage(
            "--egress-allow: '"
                + place
                + "' is not a place: name one host and one port, such as 192.168.1.20:8080.");
    assertThatThrownBy(() -> EgressOptions.only(List.of("ok.example", place)))
        .hasMessage(
            "--egress-only: '"
                + place
                + "' is not a place: write HOST, HOST:PORT or *.DOMAIN[:PORT].");
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "*.example:443", "10.0.0.1"})
  void an_exception_opens_one_door(String place) {
    assertThatThrownBy(() -> EgressOptions.allow(List.of(place)))
        .hasMessage(
            "--egress-allow: '"
                + place
                + "' is more than one place: name one host and one port, such as"
                + " 192.168.1.20:8080.");
  }
}
