package dev.berth.sandbox;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.nio.file.attribute.UserPrincipal;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import jdk.net.ExtendedSocketOptions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The socket that workers connect to. A connection is taken when its first 34 bytes hold a token
 * that is waited for and its peer has the expected uid, if one is; see protocol/README.md.
 */
final class Rendezvous implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(Rendezvous.class);
  private static final int TOKEN_BYTES = 32;
  private static final int GREETING_BYTES = TOKEN_BYTES + 2;
  private static final int GREETING_SECONDS = 5;
  private static final int BACKLOG = 1024;

  /** A worker's two connections. */
  record Sockets(SocketChannel channel, SocketChannel output) {}

  /** A worker that is to come. */
  static final class Guest {
    private final byte[] token;
    private final @Nullable UserPrincipal user;
    private final CompletableFuture<SocketChannel> channel = new CompletableFuture<>();
    private final CompletableFuture<SocketChannel> output = new CompletableFuture<>();
    private final CompletableFuture<Sockets> arrived = channel.thenCombine(output, Sockets::new);

    private Guest(byte[] token, @Nullable UserPrincipal user) {
      this.token = token.clone();
      this.user = user;
    }

    CompletableFuture<Sockets> arrived() {
      return arrived;
    }

    /** Closes what it has connected; nothing more of it arrives. */
    void disconnect() {
      close(channel.getNow(null));
      close(output.getNow(null));
      arrived.cancel(false);
    }

    /** Its first connection of that kind; {@code C} or {@code O}. */
    CompletableFuture<SocketChannel> connected(char kind) {
      return kind == 'C' ? channel : output;
    }
  }

  private final Path path;
  private final ServerSocketChannel server;
  private final List<Guest> guests = new ArrayList<>();

  private Rendezvous(Path path, ServerSocketChannel server) {
    this.path = path;
    this.server = server;
  }

  /** Listens in {@code folder}, which only the host's user may enter. */
  static Rendezvous open(Path folder) throws IOException {
    String name = UUID.randomUUID() + ".sock";
    Path path = folder.resolve(name);
    ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
    try {
      UnixSockets.bind(server, folder, name, BACKLOG);
      // The folder keeps others out; a worker gets here through a descriptor, under its own uid.
      Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-rw-rw-"));
    } catch (IOException | RuntimeException e) {
      server.close();
      throw e;
    }
    Rendezvous result = new Rendezvous(path, server);
    Thread.ofPlatform().daemon().name("berth-rendezvous").start(result::accept);
    return result;
  }

  /** Where it listens. */
  Path path() {
    return path;
  }

  /**
   * Waits for a worker from now on. The token is good for one connection of each kind.
   *
   * @param user whom it must come from; null when somebody else connects for it
   */
  Guest expect(byte[] token, @Nullable UserPrincipal user) {
    Guest guest = new Guest(token, user);
    synchronized (guests) {
      guests.add(guest);
    }
    return guest;
  }

  /** Stops waiting for it; what it has connected is closed, whether it has arrived or not. */
  void dismiss(Guest guest) {
    synchronized (guests) {
      guests.remove(guest);
      guest.disconnect();
    }
  }

  private void accept() {
    while (true) {
      try {
        SocketChannel connection = server.accept();
        Thread.ofVirtual().name("berth-greeting").start(() -> greet(connection));
      } catch (ClosedChannelException e) {
        return;
      } catch (IOException e) {
        // Out of descriptors, most likely. The worker's start fails by its deadline.
        log.error("A worker's connection could not be accepted", e);
      }
    }
  }

  private void greet(SocketChannel connection) {
    CompletableFuture<Void> done = new CompletableFuture<>();
    CompletableFuture.delayedExecutor(GREETING_SECONDS, TimeUnit.SECONDS)
        .execute(() -> {
          if (!done.isDone()) {
            close(connection);
          }
        });
    boolean taken = false;
    try {
      UserPrincipal user = connection.getOption(ExtendedSocketOptions.SO_PEERCRED).user();
      ByteBuffer greeting = ByteBuffer.allocate(GREETING_BYTES);
      while (greeting.hasRemaining()) {
        if (connection.read(greeting) < 0) {
          log.warn("A connection to the workers' socket ended before its token");
          return;
        }
      }
      taken = take(connection, user, greeting.array());
    } catch (IOException e) {
      log.warn("A connection to the workers' socket failed: {}", e.toString());
    } finally {
      done.complete(null);
      if (!taken) {
        close(connection);
      }
    }
  }

  private boolean take(SocketChannel connection, UserPrincipal user, byte[] greeting) {
    byte[] token = java.util.Arrays.copyOf(greeting, TOKEN_BYTES);
    synchronized (guests) {
      Guest guest = find(token);
      if (guest == null || greeting[TOKEN_BYTES + 1] != '\n') {
        log.warn("A connection to the workers' socket showed no token that is waited for");
        return false;
      }
      UserPrincipal expected = guest.user;
      if (expected != null && !expected.equals(user)) {
        log.warn(
            "A connection to the workers' socket showed the token of {}, but comes from {}",
            expected.getName(),
            user.getName());
        return false;
      }
      char kind = (char) greeting[TOKEN_BYTES];
      if ((kind != 'C' && kind != 'O') || guest.connected(kind).isDone()) {
        log.warn("A connection to the workers' socket used its token twice, or for nothing known");
        return false;
      }
      if (guest.connected(kind == 'C' ? 'O' : 'C').isDone()) {
        guests.remove(guest);
      }
      guest.connected(kind).complete(connection);
      return true;
    }
  }

  private @Nullable Guest find(byte[] token) {
    Guest found = null;
    for (Guest guest : guests) { // all of them, each in constant time
      if (MessageDigest.isEqual(guest.token, token)) {
        found = guest;
      }
    }
    return found;
  }

  static void close(@Nullable SocketChannel channel) {
    if (channel != null) {
      try {
        channel.close();
      } catch (IOException e) {
        log.debug("A socket did not close cleanly", e);
      }
    }
  }

  /** Takes no more connections, and dismisses whoever has not arrived. */
  @Override
  public void close() {
    List<Guest> awaited;
    synchronized (guests) {
      awaited = List.copyOf(guests);
    }
    awaited.forEach(this::dismiss);
    try {
      server.close();
      Files.deleteIfExists(path);
    } catch (IOException e) {
      log.warn("{} could not be removed: {}", path, e.toString());
    }
  }
}
