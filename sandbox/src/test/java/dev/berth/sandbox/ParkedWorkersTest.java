package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whose connections are kept, and for how long. */
@Timeout(30)
final class ParkedWorkersTest {
  private static final byte[] TOKEN =
      "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII);

  @TempDir private Path folder;

  private Rendezvous rendezvous;
  private ParkedWorkers parked;

  @BeforeEach
  void open() throws IOException {
    rendezvous = Rendezvous.open(folder);
    parked = new ParkedWorkers(rendezvous, Files.getOwner(folder));
  }

  @AfterEach
  void close() {
    rendezvous.close();
  }

  @Test
  void a_worker_may_come_as_soon_as_it_is_welcome() throws Exception {
    welcome(7, null);
    try (SocketChannel channel = greet('C');
        SocketChannel output = greet('O')) {
      Rendezvous.Guest guest = parked.take(7);
      guest.arrived().get(10, TimeUnit.SECONDS);
      assertThat(channel.isOpen() && output.isOpen()).isTrue();
      assertThat(parked.take(7)).as("taken once").isNull();
      guest.disconnect();
    }
  }

  @Test
  void another_users_connection_is_not_its_own() throws Exception {
    welcome(7, 257_351);
    try (SocketChannel channel = greet('C')) {
      assertThat(endOf(channel)).isTrue();
      assertThat(parked.take(7).arrived()).isNotDone();
    }
  }

  @Test
  void what_a_lost_one_connected_is_closed_and_nothing_more_is_taken() throws Exception {
    welcome(7, null);
    try (SocketChannel channel = greet('C');
        SocketChannel output = greet('O')) {
      parked.lost(7);
      assertThat(endOf(channel)).isTrue();
      assertThat(endOf(output)).isTrue();
      assertThat(parked.take(7)).isNull();
    }
    try (SocketChannel late = greet('C')) {
      assertThat(endOf(late)).isTrue();
    }
  }

  @Test
  void all_are_lost_with_their_launcher() throws Exception {
    welcome(7, null);
    try (SocketChannel channel = greet('C')) {
      parked.lostAll();
      assertThat(endOf(channel)).isTrue();
    }
  }

  private void welcome(int number, Integer uid) throws InterruptedException {
    CountDownLatch welcome = new CountDownLatch(1);
    parked.coming(number, TOKEN, uid, welcome::countDown);
    assertThat(welcome.await(10, TimeUnit.SECONDS)).isTrue();
  }

  private SocketChannel greet(char kind) throws IOException {
    SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(rendezvous.path()));
    channel.write(ByteBuffer.allocate(34).put(TOKEN).put((byte) kind).put((byte) '\n').flip());
    return channel;
  }

  private static boolean endOf(SocketChannel channel) {
    try {
      return channel.read(ByteBuffer.allocate(1)) < 0;
    } catch (IOException e) {
      return true; // reset: closed before it had read all
    }
  }
}
