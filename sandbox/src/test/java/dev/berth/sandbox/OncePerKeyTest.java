package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class OncePerKeyTest {
  private final OncePerKey<String> once = new OncePerKey<>();
  private final AtomicInteger made = new AtomicInteger();
  private final CountDownLatch begun = new CountDownLatch(1);
  private final CountDownLatch interrupted = new CountDownLatch(1);
  private final CompletableFuture<String> value = new CompletableFuture<>();

  private String make() {
    made.incrementAndGet();
    begun.countDown();
    try {
      return value.get();
    } catch (ExecutionException e) {
      throw new IllegalStateException("no such thing", e);
    } catch (InterruptedException e) {
      interrupted.countDown();
      throw new IllegalStateException(e);
    }
  }

  /** One that is seen to wait for what is being made. */
  private CompletableFuture<String> waiting() throws InterruptedException {
    return waiting(once).got();
  }

  private record Waiting(Thread thread, CompletableFuture<String> got) {}

  private Waiting waiting(OncePerKey<String> once) throws InterruptedException {
    CompletableFuture<String> got = new CompletableFuture<>();
    Thread thread =
        Thread.ofPlatform()
            .start(() -> {
              try {
                got.complete(once.get("a", this::make));
              } catch (RuntimeException e) {
                got.completeExceptionally(e);
              }
            });
    assertThat(begun.await(20, TimeUnit.SECONDS)).isTrue();
    while (thread.getState() != Thread.State.WAITING) {
      Thread.onSpinWait();
    }
    return new Waiting(thread, got);
  }

  private static void givesUp(Waiting waiting) {
    waiting.thread().interrupt();
    assertThatThrownBy(() -> waiting.got().get(20, TimeUnit.SECONDS))
        .hasMessageContaining("Nobody waits for a here.");
  }

  @Test
  void what_one_gives_up_goes_on_for_others_and_for_who_takes_it_up() throws Exception {
    var patient = new OncePerKey<String>(Duration.ofDays(1));
    Waiting first = waiting(patient);
    Waiting second = waiting(patient);
    givesUp(first);
    givesUp(second);
    Waiting third = waiting(patient);
    value.complete("x");
    assertThat(third.got().get(20, TimeUnit.SECONDS)).isEqualTo("x");
    assertThat(made).hasValue(1);
  }

  @Test
  void what_is_made_for_nobody_is_interrupted_and_made_anew_for_who_asks() throws Exception {
    var hasty = new OncePerKey<String>(Duration.ZERO);
    givesUp(waiting(hasty));
    assertThat(interrupted.await(20, TimeUnit.SECONDS)).isTrue();
    assertThat(hasty.get("a", () -> "another")).isEqualTo("another");
    assertThat(hasty.made("a")).isEqualTo("another");
  }

  @Test
  void however_many_ask_it_is_made_once_and_kept() throws Exception {
    CompletableFuture<String> first = waiting();
    CompletableFuture<String> second = waiting();
    value.complete("x");
    assertThat(first.get(20, TimeUnit.SECONDS)).isEqualTo("x");
    assertThat(second.get(20, TimeUnit.SECONDS)).isEqualTo("x");
    assertThat(once.get("a", () -> "another")).isEqualTo("x");
    assertThat(made).hasValue(1);
    once.forget("a");
    assertThat(once.get("a", () -> "another")).isEqualTo("another");
  }

  @Test
  void one_that_is_being_made_holds_no_other() throws Exception {
    CompletableFuture<String> slow = waiting();
    for (int i = 0; i < 1000; i++) {
      assertThat(once.get("b" + i, () -> "quick")).isEqualTo("quick");
    }
    once.forget("a");
    CompletableFuture<String> other = waiting();
    value.complete("x");
    assertThat(slow.get(20, TimeUnit.SECONDS)).isEqualTo("x");
    assertThat(other.get(20, TimeUnit.SECONDS)).isEqualTo("x");
    assertThat(made).as("what is being made is not forgotten").hasValue(1);
  }

  @Test
  void a_failure_is_told_to_all_and_not_kept() throws Exception {
    CompletableFuture<String> first = waiting();
    CompletableFuture<String> second = waiting();
    value.completeExceptionally(new IllegalArgumentException());
    for (CompletableFuture<String> got : java.util.List.of(first, second)) {
      assertThatThrownBy(() -> got.get(20, TimeUnit.SECONDS))
          .hasCauseInstanceOf(IllegalStateException.class)
          .hasRootCauseInstanceOf(IllegalArgumentException.class);
    }
    assertThat(made).hasValue(1);
    assertThat(once.get("a", () -> "now")).isEqualTo("now");
  }
}
