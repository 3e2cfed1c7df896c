package dev.berth.dist;

import dev.berth.channel.ChannelLoop;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.eclipse.jetty.io.ManagedSelector;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.util.component.LifeCycle;
import org.eclipse.jetty.util.thread.Scheduler;

/**
 * Drives plugin sockets on the selectors of the HTTP server, so that a call goes from the socket of
 * its client to that of its plugin and back without a hop between threads. The server's selectors
 * never change hands between threads, which is what makes this sound.
 */
final class JettyChannelLoop implements ChannelLoop {
  private final List<ManagedSelector> selectors;
  private final Scheduler scheduler;
  private final Executor elsewhere;
  private final AtomicInteger next = new AtomicInteger();
  private final Set<JettySocket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /**
   * @param connector a started one
   */
  JettyChannelLoop(ServerConnector connector) {
    this.selectors = List.copyOf(connector.getSelectorManager().getBeans(ManagedSelector.class));
    this.scheduler = connector.getScheduler();
    this.elsewhere = connector.getExecutor();
    if (selectors.isEmpty()) {
      throw new IllegalStateException("the server does not listen yet");
    }
    // Jetty closes what is on its selectors without a word to those it has no class for.
    connector.addEventListener(
        new LifeCycle.Listener() {
          @Override
          public void lifeCycleStopping(LifeCycle event) {
            close();
          }
        });
  }

  @Override
  public Registration add(SocketChannel socket, Handler handler, Consumer<Registration> attach) {
    ManagedSelector selector =
        selectors.get(Math.floorMod(next.getAndIncrement(), selectors.size()));
    var place = new JettySocket(selector, scheduler, elsewhere, socket, handler, sockets::remove);
    sockets.add(place);
    attach.accept(place);
    place.register();
    if (closed) {
      place.endFromLoop();
    }
    return place;
  }

  /** Closes the plugins' sockets and waits for nothing; the selectors are the server's. */
  @Override
  public void close() {
    closed = true;
    sockets.forEach(JettySocket::endFromLoop);
  }
}
