package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class AccessRulesTest {
  private final AccessRules loopback = AccessRules.of("127.0.0.1");

  @ParameterizedTest
  @ValueSource(
      strings = {"localhost", "LocalHost:80", "127.0.0.1", "127.255.0.3:65535", "[::1]", "[::1]:8"})
  void loopbackNamesAreAllowed(String host) {
    assertThat(loopback.allowsHost(host)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        ":80",
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.nip.io",
        "127.1",
        "127.0.0.256",
        "0x7f.0.0.1",
        "2130706433",
        "localhost:80:90",
        "localhost:80@evil.example",
        "localhost:port",
        "[::1",
        "[::2]",
        "user@localhost",
        "localhost/..",
        "169.254.169.254",
        "0.0.0.0"
      })
  void otherNamesAreNot(String host) {
    assertThat(loopback.allowsHost(host)).isFalse();
  }

  @ParameterizedTest
  @ValueSource(strings = {"berth.example.org", "10.0.0.7:8000", "[2001:db8::1]:8000"})
  void anyNameWillDoWhereEveryRequestNeedsAKey(String host) {
    assertThat(AccessRules.of("0.0.0.0").allowsHost(host)).isTrue();
  }

  @ParameterizedTest
  @ValueSource(strings = {"a b", "a\"b", "<x>", "a/b"})
  void butItMustBeAName(String host) {
    assertThat(AccessRules.of("0.0.0.0").allowsHost(host)).isFalse();
  }
}
