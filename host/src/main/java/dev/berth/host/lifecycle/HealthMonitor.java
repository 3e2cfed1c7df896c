package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadLocalRandom;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Asks one worker how it is, again and again. Three checks in a row without an answer, while no
 * call is under way that has a deadline of its own, end it. A check during which the host itself
 * stood still doesn't count.
 */
final class HealthMonitor {
  /**
   * What came of a check.
   *
   * @param report what the plugin said; null when it said nothing
   */
  record Checkup(boolean healthy, String message, Instant at, @Nullable Json report) {}

  private static final JsonMapper MAPPER = JsonMapper.builder().build();

  private final Worker worker;
  private final Timings timings;
  private final Timer timer;
  private final Pulse pulse;
  private @Nullable Future<?> next;
  private int misses;
  private volatile @Nullable Checkup last;

  HealthMonitor(Worker worker, Timings timings, Timer timer, Pulse pulse) {
    this.worker = worker;
    this.timings = timings;
    this.timer = timer;
    this.pulse = pulse;
  }

  /** Begins, at a random point of the interval so that many plugins don't check at once. */
  synchronized void start() {
    long every = timings.healthEvery().toNanos();
    next =
        timer.every(
            Duration.ofNanos(ThreadLocalRandom.current().nextLong(every) + 1),
            timings.healthEvery(),
            () -> {
              CompletableFuture<Checkup> _ = check();
            });
  }

  synchronized void stop() {
    if (next != null) {
      next.cancel(false);
    }
  }

  @Nullable Checkup last() {
    return last;
  }

  /** Checks now. Never completes exceptionally. */
  CompletableFuture<Checkup> check() {
    long asked = System.nanoTime();
    return worker
        .channel()
        .health(timings.healthAnswer())
        .handle((report, error) -> judge(asked, report, error));
  }

  private Checkup judge(long asked, @Nullable Json report, @Nullable Throwable error) {
    Checkup checkup;
    if (error == null && report != null) {
      misses(0);
      checkup = read(report);
    } else if (error instanceof PluginException known && known.code() != ErrorCode.PLUGIN_TIMEOUT) {
      misses(0);
      checkup = new Checkup(false, known.getMessage(), Instant.now(), null);
    } else if (pulse.stoodStillSince(asked)) {
      Checkup before = last;
      return before != null
          ? before
          : new Checkup(true, "not checked: the host stood still", Instant.now(), null);
    } else {
      checkup =
          new Checkup(
              false,
              "health_check did not answer within " + timings.healthAnswer().toMillis() + " ms",
              Instant.now(),
              null);
      missed();
    }
    last = checkup;
    return checkup;
  }

  private synchronized void misses(int count) {
    misses = count;
  }

  private void missed() {
    boolean dead;
    synchronized (this) {
      misses++;
      dead = misses >= Timings.HEALTH_MISSES && worker.inFlight() == 0 && !worker.isRetiring();
    }
    if (dead) {
      stop();
      worker.condemn(
          timings.healthAnswer(),
          "health_check gave no answer "
              + Timings.HEALTH_MISSES
              + " times in a row: the worker is replaced");
    }
  }

  /** A report says that it is unhealthy by a {@code status} other than {@code healthy} or ok. */
  private static Checkup read(Json report) {
    JsonNode tree = MAPPER.readTree(report.toByteArray());
    String status = tree.path("status").asString("healthy");
    boolean healthy = status.equalsIgnoreCase("healthy") || status.equalsIgnoreCase("ok");
    String message = healthy ? "" : tree.path("message").asString("it says it is " + status);
    return new Checkup(healthy, dev.berth.api.Text.printable(message, 500), Instant.now(), report);
  }
}
