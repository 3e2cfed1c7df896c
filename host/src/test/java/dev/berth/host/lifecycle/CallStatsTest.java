package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class CallStatsTest {
  private static final long MILLI = 1_000_000L;
  private static final long SECOND = 1000 * MILLI;

  private final AtomicLong clock = new AtomicLong();
  private final CallStats stats = new CallStats(clock::get);

  @Test
  void without_calls_everything_is_nought() {
    assertThat(stats.percentileMillis(0.99)).isZero();
    assertThat(stats.calls()).isZero();
  }

  @Test
  void percentiles_are_right_to_an_eighth() {
    for (int i = 1; i <= 1000; i++) {
      stats.ended(i * MILLI, i % 10 == 0);
    }
    assertThat(stats.calls()).isEqualTo(1000);
    assertThat(stats.errors()).isEqualTo(100);
    assertThat(stats.percentileMillis(0.5)).isCloseTo(500, within(500 / 8.0));
    assertThat(stats.percentileMillis(0.95)).isCloseTo(950, within(950 / 8.0));
    assertThat(stats.percentileMillis(0.99)).isCloseTo(990, within(990 / 8.0));
  }

  @Test
  void percentiles_forget_what_is_more_than_a_minute_ago() {
    stats.ended(100 * MILLI, false);
    clock.set(31 * SECOND);
    stats.ended(MILLI, false);
    assertThat(stats.percentileMillis(1)).isCloseTo(100, within(100 / 8.0));
    clock.set(61 * SECOND);
    assertThat(stats.percentileMillis(1)).isCloseTo(1, within(1 / 8.0));
    clock.set(200 * SECOND);
    assertThat(stats.percentileMillis(1)).isZero();
    assertThat(stats.calls()).isEqualTo(2);
  }

  @Test
  void the_longest_and_the_shortest_call_have_their_place() {
    stats.ended(Long.MAX_VALUE, false);
    stats.ended(0, false);
    stats.ended(-5, false);
    assertThat(stats.calls()).isEqualTo(3);
    assertThat(stats.percentileMillis(0.5)).isLessThan(0.01);
    assertThat(stats.percentileMillis(1)).isGreaterThan(3600_000);
  }

  @Test
  void a_plugin_that_is_enabled_anew_starts_from_nothing() {
    stats.ended(MILLI, true);
    stats.restarted();
    stats.reset();
    assertThat(stats.calls() + stats.errors() + stats.restarts()).isZero();
  }
}
