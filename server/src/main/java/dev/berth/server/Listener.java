package dev.berth.server;

import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.eclipse.jetty.http.UriCompliance;
import org.eclipse.jetty.io.SelectorManager;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Jetty's threads and socket as this server wants them: platform threads for the selectors alone,
 * which also accept, and virtual threads for all that may block.
 */
final class Listener {
  private static final int MAX_HEAD = 16 << 10;

  private final ServerSettings settings;
  private final QueuedThreadPool pool;
  private final ExecutorService blocking =
      Executors.newThreadPerTaskExecutor(Thread.ofVirtual().name("berth-request-", 0).factory());

  Listener(ServerSettings settings) {
    this.settings = settings;
    this.pool = new LoopThreads();
    pool.setVirtualThreadsExecutor(blocking);
    // Nobody may take over a selector: a plugin's socket counts on being driven by one thread.
    pool.setReservedThreads(0);
    pool.setName("berth-loop");
  }

  QueuedThreadPool pool() {
    return pool;
  }

  Executor blocking() {
    return blocking;
  }

  ServerConnector connector(Server server) {
    var http = new HttpConfiguration();
    http.setSendServerVersion(false);
    http.setRequestHeaderSize(MAX_HEAD);
    http.setUriCompliance(UriCompliance.DEFAULT);
    var connector =
        new LoopConnector(
            server,
            new LoopExecutor(blocking),
            settings.selectors(),
            new HttpConnectionFactory(http));
    connector.setHost(settings.host());
    connector.setPort(settings.port());
    // For connections between requests too: a time of their own would be set and reset, timer and
    // all, for every request.
    connector.setIdleTimeout(settings.idleTimeout().toMillis());
    connector.setAcceptQueueSize(1024);
    return connector;
  }

  void close() {
    blocking.close();
  }

  private static final class LoopThreads extends QueuedThreadPool {
    private final AtomicInteger count = new AtomicInteger();

    @Override
    public Thread newThread(Runnable task) {
      return new LoopExecutor.LoopThread(task, getName() + "-" + count.incrementAndGet());
    }
  }

  private static final class LoopConnector extends ServerConnector {
    LoopConnector(Server server, Executor executor, int selectors, HttpConnectionFactory factory) {
      super(server, executor, null, null, 0, selectors, factory);
    }

    @Override
    protected SelectorManager newSelectorManager(
        Executor executor, Scheduler scheduler, int selectors) {
      return super.newSelectorManager(getServer().getThreadPool(), scheduler, selectors);
    }
  }
}
