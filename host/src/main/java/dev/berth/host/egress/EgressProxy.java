package dev.berth.host.egress;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.UnixSockets;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** The proxy of one worker, on a unix socket of its own. */
public final class EgressProxy implements AutoCloseable {
  private static final Duration PAUSE = Duration.ofMillis(100);

  private final ServerSocketChannel listener;
  private final Path socket;
  private final EgressPolicy policy;
  private final EgressLimits limits;
  private final BoundedResolver resolver;
  private final Connector connector;
  private final EgressListener told;
  private final Set<EgressConnection> open = ConcurrentHashMap.newKeySet();
  private final Set<EgressConnection> turnedAway = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService clock;

  private EgressProxy(
      ServerSocketChannel listener,
      Path socket,
      EgressPolicy policy,
      EgressLimits limits,
      NameResolver resolver,
      Connector connector,
      EgressListener told) {
    this.listener = listener;
    this.socket = socket;
    this.policy = policy;
    this.limits = limits;
    this.resolver = new BoundedResolver(resolver);
    this.connector = connector;
    this.told = told;
    this.clock =
        Executors.newSingleThreadScheduledExecutor(
            Thread.ofVirtual().name("egress-idle").factory());
  }

  /**
   * Listens on {@code socket}, which is made, and may be connected to by whoever can reach it.
   *
   * @throws PluginException {@code internal} when it can't be made
   */
  public static EgressProxy open(
      Path socket, EgressPolicy policy, EgressLimits limits, EgressListener told) {
    return open(socket, policy, limits, NameResolver.SYSTEM, Connector.SYSTEM, told);
  }

  static EgressProxy open(
      Path socket,
      EgressPolicy policy,
      EgressLimits limits,
      NameResolver resolver,
      Connector connector,
      EgressListener told) {
    try {
      ServerSocketChannel listener = listen(socket, limits.connections());
      var proxy = new EgressProxy(listener, socket, policy, limits, resolver, connector, told);
      Thread.ofVirtual().name("egress-accept").start(proxy::accept);
      long tick = Math.max(10, limits.idle().toMillis() / 10);
      var _ =
          proxy.clock.scheduleWithFixedDelay(proxy::closeIdle, tick, tick, TimeUnit.MILLISECONDS);
      return proxy;
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.INTERNAL,
          "The egress proxy can't listen on " + socket + ": " + e.getMessage(),
          e);
    }
  }

  private static ServerSocketChannel listen(Path socket, int backlog) throws IOException {
    var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      Path folder = Objects.requireNonNull(socket.toAbsolutePath().getParent());
      UnixSockets.bind(listener, folder, socket.getFileName().toString(), backlog);
      Files.setPosixFilePermissions(socket, PosixFilePermissions.fromString("rw-rw-rw-"));
      return listener;
    } catch (IOException | RuntimeException e) {
      listener.close();
      throw e;
    }
  }

  private void accept() {
    while (listener.isOpen()) {
      try {
        SocketChannel client = listener.accept();
        var connection = new EgressConnection(client, this);
        if (open.size() < limits.connections()) {
          start(open, connection, connection::run);
        } else if (turnedAway.size() < limits.connections()) {
          start(turnedAway, connection, connection::turnAway);
        } else {
          connection.close(); // it does not listen to what it is told
        }
      } catch (IOException _) {
        if (!listener.isOpen()) {
          return;
        }
        // Out of descriptors, most likely: the one who waits would be found again at once.
        LockSupport.parkNanos(PAUSE.toNanos());
      }
    }
  }

  private void start(Set<EgressConnection> among, EgressConnection connection, Runnable work) {
    among.add(connection);
    if (!listener.isOpen()) {
      connection.close(); // close() may have gone through them before this one was there
    }
    Thread.ofVirtual()
        .name("egress")
        .start(() -> {
          try {
            work.run();
          } finally {
            connection.close();
            among.remove(connection);
          }
        });
  }

  private void closeIdle() {
    open.forEach(c -> c.closeIfIdle(limits.idle()));
    turnedAway.forEach(c -> c.closeIfIdle(limits.idle()));
  }

  /** Where it listens. */
  public Path socket() {
    return socket;
  }

  EgressPolicy policy() {
    return policy;
  }

  EgressLimits limits() {
    return limits;
  }

  BoundedResolver resolver() {
    return resolver;
  }

  Connector connector() {
    return connector;
  }

  EgressListener listener() {
    return told;
  }

  /** Ends every connection and removes the socket. */
  @Override
  public void close() {
    clock.shutdownNow();
    resolver.close();
    try {
      listener.close();
      Files.deleteIfExists(socket);
    } catch (IOException _) {
      // The folder goes with the host's run.
    }
    open.forEach(EgressConnection::close);
    turnedAway.forEach(EgressConnection::close);
  }
}
