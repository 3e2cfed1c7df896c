package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class TrafficTest {
  private static final long HOUR = TimeUnit.HOURS.toNanos(1);

  private final Traffic traffic = new Traffic();
  private final long start = System.nanoTime();

  @Test
  void an_hour_s_bytes_are_both_directions_together() {
    assertThat(traffic.add(60, 40, 100, start)).isTrue();
    assertThat(traffic.spent(100, start)).isTrue();
    assertThat(traffic.add(0, 1, 100, start)).isFalse();
    assertThat(traffic.received()).isEqualTo(60);
    assertThat(traffic.sent()).isEqualTo(40);
  }

  @Test
  void what_does_not_fit_ends_the_hour_and_is_not_counted() {
    assertThat(traffic.add(10, 0, 100, start)).isTrue();
    assertThat(traffic.add(91, 0, 100, start)).isFalse();
    assertThat(traffic.add(1, 0, 100, start)).isFalse();
    assertThat(traffic.received()).isEqualTo(10);
  }

  @Test
  void the_next_hour_has_its_own_and_so_has_a_plugin_that_was_enabled_anew() {
    assertThat(traffic.add(101, 0, 100, start)).isFalse();
    assertThat(traffic.add(100, 0, 100, start + HOUR)).isTrue();
    assertThat(traffic.spent(100, start + HOUR)).isTrue();
    traffic.reset();
    assertThat(traffic.spent(100, System.nanoTime())).isFalse();
    assertThat(traffic.received()).isZero();
  }
}
