package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.host.lifecycle.RestartPolicy.Next;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RestartPolicyTest {
  private static final long SECOND = 1_000_000_000L;
  private final RestartPolicy policy = new RestartPolicy(RestartPolicy.Limits.DEFAULT, () -> 0.5);

  @Test
  void the_first_crash_restarts_at_once_and_the_next_ones_later_and_later() {
    List<Next> next = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      next.add(policy.crashed(i * 40L * SECOND, 30 * SECOND));
    }
    assertThat(next)
        .containsExactly(
            new Next.Restart(Duration.ZERO),
            new Next.Restart(Duration.ofSeconds(1)),
            new Next.Restart(Duration.ofSeconds(2)),
            new Next.Restart(Duration.ofSeconds(4)),
            new Next.Restart(Duration.ofSeconds(8)),
            new Next.Restart(Duration.ofSeconds(16)),
            new Next.Restart(Duration.ofSeconds(32)),
            new Next.Restart(Duration.ofSeconds(60)),
            new Next.Restart(Duration.ofSeconds(60)));
  }

  @Test
  void the_back_off_is_spread_by_a_fifth_to_either_side() {
    assertThat(secondDelay(0.0)).isEqualTo(Duration.ofMillis(800));
    assertThat(secondDelay(1.0)).isEqualTo(Duration.ofMillis(1200));
  }

  @Test
  void two_deaths_within_a_minute_make_it_restless_whatever_is_asked_for() {
    policy.died(0, ErrorCode.PLUGIN_CRASHED);
    assertThat(policy.restless(SECOND)).isFalse();
    policy.died(10 * SECOND, ErrorCode.PLUGIN_IMPORT_ERROR);
    policy.reset();
    assertThat(policy.restless(60 * SECOND)).isTrue();
    assertThat(policy.restless(61 * SECOND)).isFalse();
  }

  @Test
  void the_hosts_trouble_makes_nobody_restless() {
    policy.died(0, ErrorCode.SANDBOX_UNAVAILABLE);
    policy.died(SECOND, ErrorCode.PLUGIN_CRASHED);
    assertThat(policy.restless(2 * SECOND)).isFalse();
  }

  private static Duration secondDelay(double random) {
    var policy = new RestartPolicy(RestartPolicy.Limits.DEFAULT, () -> random);
    policy.crashed(0, 0);
    return ((Next.Restart) policy.crashed(SECOND, 0)).after();
  }

  @Test
  void a_worker_that_was_stable_for_a_minute_has_its_crashes_forgotten() {
    policy.crashed(0, SECOND);
    policy.crashed(100 * SECOND, SECOND);
    assertThat(policy.crashed(200 * SECOND, 60 * SECOND))
        .isEqualTo(new Next.Restart(Duration.ZERO));
  }

  @Test
  void five_crashes_within_a_minute_are_too_many() {
    for (int i = 0; i < 4; i++) {
      assertThat(policy.crashed(i * 14L * SECOND, SECOND)).isInstanceOf(Next.Restart.class);
    }
    assertThat(policy.crashed(56 * SECOND, SECOND))
        .isEqualTo(new Next.GiveUp("it crashed 5 times within 60 s"));
  }

  @Test
  void three_failed_starts_in_a_row_are_too_many() {
    assertThat(policy.startFailed()).isEqualTo(new Next.Restart(Duration.ofSeconds(1)));
    assertThat(policy.startFailed()).isEqualTo(new Next.Restart(Duration.ofSeconds(2)));
    assertThat(policy.startFailed())
        .isEqualTo(new Next.GiveUp("it did not start 3 times in a row"));
  }

  @Test
  void a_start_that_succeeds_breaks_the_row() {
    policy.startFailed();
    policy.startFailed();
    policy.crashed(0, SECOND);
    assertThat(policy.startFailed()).isInstanceOf(Next.Restart.class);
  }

  @Test
  void what_is_the_hosts_fault_never_gives_a_plugin_up_and_is_tried_more_and_more_seldom() {
    assertThat(trouble(6))
        .containsExactly(after(1), after(2), after(4), after(8), after(8), after(8));
  }

  @Test
  void an_index_or_a_tool_that_is_missing_is_the_hosts_fault_and_no_fitting_wheel_is_not() {
    for (int i = 0; i < 5; i++) {
      assertThat(policy.startFailed(ErrorCode.DEPENDENCY_INDEX_UNREACHABLE))
          .isInstanceOf(Next.Restart.class);
      assertThat(policy.startFailed(ErrorCode.DEPENDENCY_TOOL_MISSING))
          .isInstanceOf(Next.Restart.class);
    }
    policy.startFailed(ErrorCode.DEPENDENCY_NO_WHEEL);
    policy.startFailed(ErrorCode.DEPENDENCY_UNRESOLVABLE);
    assertThat(policy.startFailed(ErrorCode.DEPENDENCY_NO_WHEEL)).isInstanceOf(Next.GiveUp.class);
  }

  /** A host that is well again has its plugins back within 15 s, and starting takes its time. */
  @Test
  void no_pause_is_longer_than_a_plugin_may_be_away_once_the_host_is_well() {
    var latest = new RestartPolicy(RestartPolicy.Limits.DEFAULT, () -> 1.0);
    for (int i = 0;
        i < 4;
        i++) { // Its own back-off is longer by now, and has nothing to do with it.
      latest.crashed(i * 40L * SECOND, 30 * SECOND);
    }
    for (int i = 0; i < 20; i++) {
      var next = (Next.Restart) latest.startFailed(ErrorCode.SANDBOX_UNAVAILABLE);
      assertThat(next.after()).isLessThan(Duration.ofSeconds(10));
    }
  }

  @Test
  void the_hosts_trouble_is_over_once_a_worker_came_up_or_failed_by_itself_or_was_asked_for() {
    trouble(3);
    policy.crashed(0, SECOND);
    assertThat(trouble(2)).containsExactly(after(1), after(2));
    policy.startFailed(ErrorCode.PLUGIN_IMPORT_ERROR);
    assertThat(trouble(2)).containsExactly(after(1), after(2));
    policy.reset();
    assertThat(trouble(1)).containsExactly(after(1));
  }

  private List<Next> trouble(int times) {
    List<Next> next = new ArrayList<>();
    for (int i = 0; i < times; i++) {
      next.add(policy.startFailed(ErrorCode.SANDBOX_UNAVAILABLE));
    }
    return next;
  }

  private static Next after(int seconds) {
    return new Next.Restart(Duration.ofSeconds(seconds));
  }

  @Test
  void a_reset_forgets_everything() {
    for (int i = 0; i < 4; i++) {
      policy.crashed(i, 0);
    }
    policy.reset();
    assertThat(policy.crashed(5, 0)).isEqualTo(new Next.Restart(Duration.ZERO));
  }
}
