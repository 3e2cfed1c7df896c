package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
final class StartsTest {
  private final ExecutorService background = Executors.newVirtualThreadPerTaskExecutor();
  private final Timer timer = new Timer(background);
  private final Starts starts = new Starts(1, Duration.ZERO, timer);

  @AfterEach
  void close() {
    timer.close();
    background.shutdownNow();
  }

  @Test
  void who_fetches_twice_has_one_place_and_leaves_it_to_the_next() throws Exception {
    Starts.Turn first = starts.take();
    CompletableFuture.runAsync(
            () -> {
              first.fetching(); // its image
              first.fetching(); // its dependencies
            },
            background)
        .get(10, TimeUnit.SECONDS);
    Starts.Turn second = starts.take();
    var fetches = CompletableFuture.runAsync(second::fetching, background);
    assertThat(fetches).isNotDone();
    first.close();
    fetches.get(10, TimeUnit.SECONDS);
    second.close();
  }
}
