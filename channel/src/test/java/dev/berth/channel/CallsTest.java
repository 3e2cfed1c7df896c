package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ExecutionListener;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.PriorityQueue;
import java.util.Random;
import org.junit.jupiter.api.Test;

class CallsTest {
  private final Calls calls = new Calls();

  private static Call<?> call(long deadline) {
    var call = new Call.Execute(Duration.ZERO, ExecutionListener.NONE, c -> {});
    call.deadline = deadline;
    return call;
  }

  @Test
  void anIdIsNeverUsedTwiceAndFindsItsCallOnly() {
    var random = new Random(3);
    var inFlight = new ArrayList<Call<?>>();
    long last = 0;
    for (int i = 0; i < 20_000; i++) {
      Call<?> call = call(Long.MAX_VALUE / 2);
      if (calls.add(call, 500) == Calls.Added.FULL) {
        assertThat(inFlight).hasSize(500);
        Collections.shuffle(inFlight, random);
        for (int k = 0; k < 300; k++) {
          Call<?> gone = inFlight.removeLast();
          assertThat(calls.remove(gone.id)).isSameAs(gone);
          assertThat(calls.remove(gone.id)).isNull();
          assertThat(calls.isUnknown(gone.id)).isFalse();
        }
        continue;
      }
      assertThat(call.id).isGreaterThan(last);
      last = call.id;
      inFlight.add(call);
      assertThat(calls.isUnknown(last + 1)).isTrue();
      assertThat(calls.get(last + 1)).isNull();
    }
    for (Call<?> call : inFlight) {
      assertThat(calls.get(call.id)).isSameAs(call);
    }
    assertThat(calls.size()).isEqualTo(inFlight.size());
  }

  /**
   * Against a simulated clock: no deadline is missed by a tick, and the wake-ups asked for stay few
   * though deadlines come in any order.
   */
  @Test
  void everyDeadlineIsNoticedInTimeWithFewWakeUps() {
    var random = new Random(5);
    var wakeUps = new PriorityQueue<Long>();
    long wakeUpsAsked = 0;
    int made = 0;
    int noticed = 0;
    for (long now = 0; now < 50_000; now++) {
      while (!wakeUps.isEmpty() && wakeUps.peek() <= now) {
        wakeUps.remove();
        List<Call<?>> expired = calls.expired(now);
        if (expired == null) {
          continue;
        }
        Long next = calls.wakeAt();
        if (next != null) {
          wakeUps.add(next);
          wakeUpsAsked++;
        }
        for (Call<?> call : expired) {
          assertThat(call.deadline).isEqualTo(now);
          assertThat(calls.remove(call.id)).isSameAs(call);
          noticed++;
        }
      }
      Call<?> call = call(now + 1 + random.nextInt(random.nextBoolean() ? 10 : 3_000));
      switch (calls.add(call, 1_000)) {
        case WAKE -> {
          wakeUps.add(call.deadline);
          wakeUpsAsked++;
          made++;
        }
        case YES -> {
          made++;
          if (random.nextInt(10) < 9) {
            assertThat(calls.remove(call.id)).isSameAs(call); // Answered, as most are.
            made--;
          }
        }
        case FULL, CLOSED -> {}
      }
      assertThat(wakeUps.size()).isLessThan(1_000);
    }
    assertThat(noticed).isGreaterThan(1_000).isEqualTo(made - calls.size());
    assertThat(wakeUpsAsked).isLessThan(100_000);
  }

  @Test
  void anAbandonedCallIsNoticedOnce() {
    Call<?> call = call(10);
    assertThat(calls.add(call, 10)).isEqualTo(Calls.Added.WAKE);
    assertThat(calls.expired(9)).isNull();
    assertThat(calls.expired(10)).containsExactly(call);
    assertThat(calls.abandon(call, 20, false)).isEqualTo(Calls.Added.WAKE);
    assertThat(calls.abandon(call, 30, false)).isNull();
    assertThat(calls.expired(20)).containsExactly(call);
    assertThat(calls.wakeAt()).isNull();
    assertThat(calls.expired(100)).isNull();
    assertThat(calls.size()).isEqualTo(1);
  }
}
