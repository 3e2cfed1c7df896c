package dev.berth.host.egress;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DestinationTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0177.0.0.1",
        "10.0.0.01",
        "017700000001",
        "127.0.0.1.01",
        "00.0.0.0.",
        "a b",
        "a@b",
        "-a_b",
        "a/_",
        "\uff3fa"
      })
  void what_readers_disagree_about_is_none(String host) {
    assertThat(Destination.normalHost(host)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "127.0.0.1, 127.0.0.1",
    "10.0.0.10, 10.0.0.10",
    "0.0.0.0, 0.0.0.0",
    "2130706433, 127.0.0.1",
    "01.example.com, 01.example.com",
    "EXAMPLE.com., example.com",
    "My_Service_1, my_service_1",
    "_dmarc.ex_ample.com, _dmarc.ex_ample.com",
    "b\u00fccher_1.de, xn--bcher_1-n2a.de"
  })
  void others_have_one_form(String host, String normal) {
    assertThat(Destination.normalHost(host)).contains(normal);
  }
}
