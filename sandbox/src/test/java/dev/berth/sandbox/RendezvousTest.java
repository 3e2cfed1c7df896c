package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.UserPrincipal;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Who may connect, and how often. */
@Timeout(30)
final class RendezvousTest {
  private static final byte[] TOKEN =
      "0123456789abcdef0123456789abcdef".getBytes(java.nio.charset.StandardCharsets.US_ASCII);

  @Test
  void oneConnectionOfEachKindMakesAGuestArrive(@TempDir Path folder) throws Exception {
    try (Rendezvous rendezvous = Rendezvous.open(folder)) {
      Rendezvous.Guest guest = rendezvous.expect(TOKEN, me(folder));
      try (SocketChannel output = greet(rendezvous, TOKEN, 'O');
          SocketChannel channel = greet(rendezvous, TOKEN, 'C')) {
        Rendezvous.Sockets sockets = guest.arrived().get(10, TimeUnit.SECONDS);
        channel.write(ByteBuffer.wrap(new byte[] {1}));
        output.write(ByteBuffer.wrap(new byte[] {2}));
        assertThat(readByte(sockets.channel())).isEqualTo(1);
        assertThat(readByte(sockets.output())).isEqualTo(2);
        Rendezvous.close(sockets.channel());
        Rendezvous.close(sockets.output());
      }
    }
  }

  @Test
  @DisplayName("CHN-07 a token is good once, for its user only")
  void chn07(@TempDir Path folder) throws Exception {
    try (Rendezvous rendezvous = Rendezvous.open(folder)) {
      Rendezvous.Guest guest = rendezvous.expect(TOKEN, me(folder));
      try (SocketChannel channel = greet(rendezvous, TOKEN, 'C')) {
        guest.connected('C').get(10, TimeUnit.SECONDS);
        assertThat(closedByHost(greet(rendezvous, TOKEN, 'C'))).as("same kind again").isTrue();
        assertThat(closedByHost(greet(rendezvous, TOKEN, 'X'))).as("unknown kind").isTrue();
        byte[] other = TOKEN.clone();
        other[31] ^= 1;
        assertThat(closedByHost(greet(rendezvous, other, 'O'))).as("another token").isTrue();
        try (SocketChannel output = greet(rendezvous, TOKEN, 'O')) {
          guest.arrived().get(10, TimeUnit.SECONDS);
          assertThat(closedByHost(greet(rendezvous, TOKEN, 'C'))).as("replayed").isTrue();
          assertThat(channel.isOpen() && output.isOpen()).isTrue();
        }
      }
      UserPrincipal somebody =
          FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName("200001");
      Rendezvous.Guest theirs = rendezvous.expect(TOKEN, somebody);
      assertThat(closedByHost(greet(rendezvous, TOKEN, 'C'))).as("another user's").isTrue();
      assertThat(theirs.arrived()).isNotDone();
    }
  }

  @Test
  void aDismissedGuestsConnectionIsClosed(@TempDir Path folder) throws Exception {
    try (Rendezvous rendezvous = Rendezvous.open(folder)) {
      Rendezvous.Guest guest = rendezvous.expect(TOKEN, me(folder));
      try (SocketChannel channel = greet(rendezvous, TOKEN, 'C')) {
        guest.connected('C').get(10, TimeUnit.SECONDS);
        rendezvous.dismiss(guest);
        assertThat(closedByHost(channel)).isTrue();
        assertThatThrownBy(() -> guest.arrived().join()).isInstanceOf(CancellationException.class);
      }
    }
  }

  @Test
  void aLongFolderNameIsNoObstacle(@TempDir Path folder) throws Exception {
    Path deep = Files.createDirectories(folder.resolve("d".repeat(120)));
    try (Bench bench = Bench.open(deep);
        Probe probe = bench.start(1)) {
      assertThat(probe.run("out = 1").asInt()).isEqualTo(1);
    }
  }

  private static UserPrincipal me(Path folder) throws IOException {
    return Files.getOwner(folder);
  }

  private static SocketChannel greet(Rendezvous rendezvous, byte[] token, char kind)
      throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(rendezvous.path()));
    channel.write(ByteBuffer.allocate(34).put(token).put((byte) kind).put((byte) '\n').flip());
    return channel;
  }

  private static int readByte(SocketChannel channel) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    return channel.read(one) < 0 ? -1 : one.get(0);
  }

  private static boolean closedByHost(SocketChannel channel) throws IOException {
    try (channel) {
      return readByte(channel) < 0;
    } catch (java.net.SocketException e) {
      return true; // reset: closed before it had read all
    }
  }
}
