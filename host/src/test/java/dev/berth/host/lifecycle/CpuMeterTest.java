package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CpuMeterTest {
  private static final long MILLI = 1_000_000L;

  private long now;
  private long used;
  private final CpuMeter meter = new CpuMeter(() -> now);

  /** Time passes, of which the plugin has a share, and the host takes its samples. */
  private void pass(long millis, double share) {
    for (long i = 0; i < millis; i += 100) {
      if (now % CpuMeter.EVERY.toNanos() == 0) {
        meter.sample(used);
      }
      now += 100 * MILLI;
      used += Math.round(share * 100 * MILLI);
    }
  }

  private double percent() {
    return Math.round(meter.percent(used));
  }

  @Test
  void one_who_looks_all_the_time_and_one_who_looks_seldom_see_the_same() {
    pass(60_000, 0.5);
    assertThat(percent()).isEqualTo(50);
    for (int i = 0; i < 30; i++) {
      pass(100, 0.5);
      assertThat(percent()).isEqualTo(50);
    }
  }

  @Test
  void what_was_longer_ago_than_the_window_counts_no_more_though_nobody_looked_since() {
    pass(3_600_000, 1);
    pass(8_000, 0);
    assertThat(percent()).isZero();
    pass(3_000, 1);
    assertThat(percent()).isBetween(37.0, 50.0); // 3 of 6 to 8 s
    pass(8_000, 1);
    assertThat(percent()).isEqualTo(100);
  }

  @Test
  void a_young_worker_is_judged_by_the_time_it_has_had() {
    used = 5_000 * MILLI; // by those who waited in its sandbox before
    assertThat(percent()).isZero();
    pass(500, 1);
    assertThat(percent()).isZero();
    pass(1_500, 1);
    assertThat(percent()).isEqualTo(100);
  }
}
