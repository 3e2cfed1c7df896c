package dev.berth.sandbox;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Containers that run and wait for their plugin; made one at a time, in the background. */
final class ContainerPool implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ContainerPool.class);

  private static final long FIRST_PAUSE_MS = 1000;
  private static final long LONGEST_PAUSE_MS = 60_000;
  private static final long CLOSE_MS = 30_000;

  private final int size;
  private final Supplier<DockerWorker> maker;
  private final Deque<DockerWorker> waiting = new ArrayDeque<>(); // guarded by itself
  private boolean filling; // guarded by waiting
  private boolean closed; // guarded by waiting
  private long pause = FIRST_PAUSE_MS; // guarded by waiting

  /**
   * @param maker gives one more; may throw what a start throws
   */
  ContainerPool(int size, Supplier<DockerWorker> maker) {
    this.size = size;
    this.maker = maker;
  }

  /** One that is alive; null when none waits. */
  @Nullable DockerWorker take() {
    synchronized (waiting) {
      DockerWorker worker = waiting.poll();
      while (worker != null && !worker.isAlive()) {
        worker = waiting.poll();
      }
      return worker;
    }
  }

  /** Sees that there are enough. */
  void fill() {
    synchronized (waiting) {
      if (filling || closed || waiting.size() >= size) {
        return;
      }
      filling = true;
    }
    Thread.ofVirtual().name("berth-park").start(this::fillUp);
  }

  private void fillUp() {
    try {
      while (needsMore()) {
        DockerWorker worker = maker.get();
        if (!park(worker)) {
          worker.kill();
        }
      }
    } catch (RuntimeException e) { // the engine's, or a fault of ours: either way it is tried again
      long again;
      synchronized (waiting) {
        filling = false;
        waiting.notifyAll();
        again = pause;
        pause = Math.min(LONGEST_PAUSE_MS, 2 * pause);
      }
      if (again == FIRST_PAUSE_MS) {
        log.warn("docker: no container is waiting for its plugin: {}", e.getMessage());
      }
      CompletableFuture.delayedExecutor(again, TimeUnit.MILLISECONDS).execute(this::fill);
    }
  }

  private boolean needsMore() {
    synchronized (waiting) {
      filling = !closed && waiting.size() < size;
      if (!filling) {
        waiting.notifyAll();
      }
      return filling;
    }
  }

  private boolean park(DockerWorker worker) {
    synchronized (waiting) {
      if (closed) {
        return false;
      }
      waiting.add(worker);
      pause = FIRST_PAUSE_MS;
    }
    var _ =
        worker
            .exited()
            .thenRun(() -> {
              synchronized (waiting) {
                if (!waiting.remove(worker)) {
                  return; // it had found its plugin
                }
              }
              fill();
            });
    return true;
  }

  /**
   * Makes no more. Returns when none is being made any more, so that whoever removes all that there
   * are then has removed them all.
   */
  @Override
  public void close() {
    long end = System.nanoTime() + CLOSE_MS * 1_000_000;
    synchronized (waiting) {
      closed = true;
      waiting.clear();
      try {
        for (long left = CLOSE_MS; filling && left > 0; ) {
          waiting.wait(left);
          left = (end - System.nanoTime()) / 1_000_000;
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
