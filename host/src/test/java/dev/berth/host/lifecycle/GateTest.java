package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class GateTest {
  private final Gate gate = new Gate();

  @Test
  void a_closed_gate_lets_nobody_in_and_knows_when_the_last_one_left() {
    assertThat(gate.enter()).isTrue();
    assertThat(gate.enter()).isTrue();
    gate.close();
    assertThat(gate.enter()).isFalse();
    assertThat(gate.isOpen()).isFalse();
    assertThat(gate.inside()).isEqualTo(2);
    gate.exit();
    assertThat(gate.whenEmpty()).isNotDone();
    gate.exit();
    assertThat(gate.whenEmpty()).isCompleted();
  }

  @Test
  void an_empty_gate_is_empty_as_soon_as_it_closes() {
    gate.close();
    gate.close();
    assertThat(gate.whenEmpty()).isCompleted();
  }

  @Test
  void a_paused_gate_opens_again_unless_it_was_closed_meanwhile() {
    assertThat(gate.enter()).isTrue();
    gate.pause();
    assertThat(gate.enter()).isFalse();
    assertThat(gate.isClosed()).isFalse();
    assertThat(gate.inside()).isEqualTo(1);
    gate.exit();
    assertThat(gate.whenEmpty()).isNotDone();
    gate.resume();
    gate.resume();
    assertThat(gate.enter()).isTrue();
    gate.pause();
    gate.close();
    gate.resume();
    assertThat(gate.enter()).isFalse();
    assertThat(gate.isClosed()).isTrue();
    assertThat(gate.whenEmpty()).isNotDone();
    gate.exit();
    assertThat(gate.whenEmpty()).isCompleted();
  }

  @Test
  void nobody_is_inside_after_it_said_that_it_is_empty() throws Exception {
    for (int round = 0; round < 200; round++) {
      var crowded = new Gate();
      var inside = new AtomicInteger();
      var late = new AtomicInteger();
      var begin = new CountDownLatch(1);
      try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
        for (int i = 0; i < 8; i++) {
          threads.execute(() -> {
            await(begin);
            while (crowded.enter()) {
              inside.incrementAndGet();
              if (crowded.whenEmpty().isDone()) {
                late.incrementAndGet();
              }
              inside.decrementAndGet();
              crowded.exit();
            }
          });
        }
        begin.countDown();
        crowded.close();
        crowded.whenEmpty().join();
        assertThat(inside.get()).isZero();
      }
      assertThat(late.get()).isZero();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
