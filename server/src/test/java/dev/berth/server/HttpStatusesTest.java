package dev.berth.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HttpStatusesTest {
  @ParameterizedTest
  @EnumSource(ErrorCode.class)
  void everyCodeIsAnErrorStatus(ErrorCode code) {
    assertThat(HttpStatuses.of(code)).isBetween(400, 507);
  }
}
