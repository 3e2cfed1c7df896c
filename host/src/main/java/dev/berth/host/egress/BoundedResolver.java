package dev.berth.host.egress;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Looks names up for one worker, in a few threads of its own and in bounded time. The system's
 * resolver can't be interrupted and holds its thread in native code. On the virtual threads that
 * the host shares, that takes a carrier each; with as many names that are never found as there may
 * be carriers (256), which are a few plugins' connections, nothing else in the host would run.
 */
final class BoundedResolver implements AutoCloseable {
  private static final int LOOK_UPS_AT_ONCE = 4;

  private final NameResolver resolver;
  private final ThreadPoolExecutor threads;

  BoundedResolver(NameResolver resolver) {
    this.resolver = resolver;
    this.threads =
        new ThreadPoolExecutor(
            LOOK_UPS_AT_ONCE,
            LOOK_UPS_AT_ONCE,
            5,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Thread.ofPlatform().daemon().name("egress-names").factory());
    threads.allowCoreThreadTimeOut(true);
  }

  /**
   * Every address of {@code host}; an address in letters is itself and asks nobody.
   *
   * @throws UnknownHostException when there is none
   * @throws TimeoutException when that took longer than {@code limit}
   */
  List<InetAddress> resolve(String host, Duration limit)
      throws UnknownHostException, TimeoutException {
    Optional<InetAddress> literal = AddressRules.literal(host);
    if (literal.isPresent()) {
      return List.of(literal.get());
    }
    var asked = new FutureTask<>(() -> resolver.resolve(host));
    try {
      threads.execute(asked);
      return asked.get(limit.toNanos(), TimeUnit.NANOSECONDS);
    } catch (ExecutionException e) {
      throw unknown(host, e);
    } catch (RejectedExecutionException e) {
      throw unknown(host, e); // closed meanwhile
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw unknown(host, e);
    } finally {
      asked.cancel(true);
      var _ = threads.remove(asked); // else it would wait behind those that hang
    }
  }

  private static UnknownHostException unknown(String host, Exception cause) {
    var unknown = new UnknownHostException(host);
    unknown.initCause(cause);
    return unknown;
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
