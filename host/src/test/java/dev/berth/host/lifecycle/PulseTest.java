package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class PulseTest {
  private static final long MILLI = 1_000_000L;
  private final AtomicLong clock = new AtomicLong();
  private final Pulse pulse = new Pulse(clock::get);

  private void beatAt(long millis) {
    clock.set(millis * MILLI);
    pulse.beat();
  }

  @Test
  void a_host_whose_timer_is_on_time_did_not_stand_still() {
    for (long at = 0; at <= 10_000; at += 600) {
      beatAt(at);
    }
    assertThat(pulse.stoodStillSince(0)).isFalse();
  }

  @Test
  void CRA_11_a_late_beat_says_so_for_everything_asked_before_it() {
    beatAt(500);
    beatAt(5_500);
    assertThat(pulse.stoodStillSince(1_000 * MILLI)).isTrue();
    assertThat(pulse.stoodStillSince(5_500 * MILLI)).isFalse();
  }

  @Test
  void CRA_11_a_beat_that_is_missing_still_says_so_too() {
    beatAt(500);
    clock.set(5_500 * MILLI);
    assertThat(pulse.stoodStillSince(5_000 * MILLI)).isTrue();
  }
}
