package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.SocketException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SelectorLoopTest {
  @TempDir Path folder;
  private final SelectorLoop loop = new SelectorLoop();
  private final List<SocketChannel> open = new ArrayList<>();

  @AfterEach
  void close() throws IOException {
    loop.close();
    for (SocketChannel socket : open) {
      socket.close();
    }
  }

  /** Notes what it is told; throws where it is asked to. */
  private static final class Notes implements ChannelLoop.Handler {
    final BlockingQueue<String> told = new LinkedBlockingQueue<>();
    final AtomicReference<ChannelLoop.Registration> place = new AtomicReference<>();
    private final SocketChannel socket;
    volatile boolean failing;

    Notes(SocketChannel socket) {
      this.socket = socket;
    }

    @Override
    public void onReadable() {
      if (failing) {
        throw new IllegalStateException("on purpose");
      }
      ByteBuffer in = ByteBuffer.allocate(100);
      try {
        int n = socket.read(in);
        if (n < 0) {
          told.add("end");
          place.get().close();
        } else if (n > 0) {
          told.add("read " + n);
        }
      } catch (IOException e) {
        told.add(e.toString());
      }
    }

    @Override
    public void onWritable() {
      told.add("writable");
    }

    @Override
    public void onTimer() {
      told.add("timer");
    }

    @Override
    public void onClosed(Throwable cause) {
      told.add("closed");
    }

    String next() throws InterruptedException {
      return told.poll(10, TimeUnit.SECONDS);
    }
  }

  private SocketChannel[] pair() throws IOException {
    Path path = folder.resolve("s" + open.size());
    try (var server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      server.bind(UnixDomainSocketAddress.of(path));
      SocketChannel peer = SocketChannel.open(UnixDomainSocketAddress.of(path));
      SocketChannel ours = server.accept();
      open.add(peer);
      open.add(ours);
      return new SocketChannel[] {ours, peer};
    }
  }

  private Notes add(SocketChannel socket) {
    var notes = new Notes(socket);
    loop.add(socket, notes, notes.place::set);
    return notes;
  }

  private static boolean hasEnded(SocketChannel socket) throws IOException {
    try {
      return socket.read(ByteBuffer.allocate(1)) == -1;
    } catch (SocketException e) {
      return true; // Closed with bytes unread, which is a reset (unix(7)).
    }
  }

  @Test
  void tellsOfBytesAndOfTheEnd() throws Exception {
    SocketChannel[] pair = pair();
    Notes notes = add(pair[0]);
    pair[1].write(ByteBuffer.wrap(new byte[3]));
    assertThat(notes.next()).isEqualTo("read 3");
    pair[1].close();
    assertThat(notes.next()).isEqualTo("end");
  }

  @Test
  void tellsOnceThatBytesCanBeWritten() throws Exception {
    SocketChannel[] pair = pair();
    var notes = new Notes(pair[0]);
    // Asked for before the loop has even seen the socket.
    loop.add(
        pair[0],
        notes,
        place -> {
          notes.place.set(place);
          place.wantWrite();
        });
    assertThat(notes.next()).isEqualTo("writable");
    notes.place.get().wantWrite();
    assertThat(notes.next()).isEqualTo("writable");
    pair[1].write(ByteBuffer.wrap(new byte[1]));
    assertThat(notes.next()).isEqualTo("read 1");
  }

  @Test
  void runsTasksInOrderOnItsThread() throws Exception {
    Notes notes = add(pair()[0]);
    ChannelLoop.Registration place = notes.place.get();
    assertThat(place.inLoop()).isFalse();
    var order = Collections.synchronizedList(new ArrayList<String>());
    var done = new CompletableFuture<Boolean>();
    place.execute(() -> {
      place.execute(() -> order.add("last"));
      place.execute(() -> done.complete(place.inLoop()));
      order.add("first");
    });
    assertThat(done.get(10, TimeUnit.SECONDS)).isTrue();
    assertThat(order).containsExactly("first", "last");
  }

  @Test
  void aTaskThatFailsHurtsNobody() throws Exception {
    Notes notes = add(pair()[0]);
    notes
        .place
        .get()
        .execute(() -> {
          throw new IllegalStateException("on purpose");
        });
    var done = new CompletableFuture<Void>();
    notes.place.get().execute(() -> done.complete(null));
    done.get(10, TimeUnit.SECONDS);
  }

  @Test
  void wakesAtTheTimesAskedFor() throws Exception {
    Notes late = add(pair()[0]);
    Notes soon = add(pair()[0]);
    long now = System.nanoTime();
    late.place.get().wakeAt(now + TimeUnit.MILLISECONDS.toNanos(60));
    soon.place.get().wakeAt(now + TimeUnit.MILLISECONDS.toNanos(20));
    soon.place.get().wakeAt(now - 1);

    assertThat(soon.next()).isEqualTo("timer");
    assertThat(soon.next()).isEqualTo("timer");
    assertThat(System.nanoTime() - now).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(20));
    assertThat(late.next()).isEqualTo("timer");
    assertThat(System.nanoTime() - now).isGreaterThanOrEqualTo(TimeUnit.MILLISECONDS.toNanos(60));
  }

  @Test
  void leavesWhatComesUnreadUntilItMayBeRead() throws Exception {
    SocketChannel[] pair = pair();
    Notes notes = add(pair[0]);
    ChannelLoop.Registration place = notes.place.get();
    pair[1].write(ByteBuffer.wrap(new byte[1]));
    assertThat(notes.next()).isEqualTo("read 1");
    var stopped = new CompletableFuture<Void>();
    place.execute(() -> {
      place.stopReading();
      stopped.complete(null);
    });
    stopped.get(10, TimeUnit.SECONDS);

    pair[1].write(ByteBuffer.wrap(new byte[2]));
    // The loop has served all that is ready by the time it tells another.
    SocketChannel[] other = pair();
    Notes served = add(other[0]);
    other[1].write(ByteBuffer.wrap(new byte[1]));
    assertThat(served.next()).isEqualTo("read 1");
    place.wantWrite();
    assertThat(notes.next()).isEqualTo("writable");
    place.wakeAt(System.nanoTime());
    assertThat(notes.next()).isEqualTo("timer");
    assertThat(notes.told).isEmpty();

    place.execute(place::startReading);
    assertThat(notes.next()).isEqualTo("read 2");
  }

  @Test
  void aClosedPlaceIsForgottenAndItsSocketClosed() throws Exception {
    SocketChannel[] pair = pair();
    Notes notes = add(pair[0]);
    notes.place.get().close();
    notes.place.get().close();
    assertThat(pair[1].read(ByteBuffer.allocate(1))).isEqualTo(-1);
    notes.place.get().wantWrite();
    loop.close();
    assertThat(notes.told).isEmpty();
  }

  @Test
  void aHandlerThatFailsLosesItsSocketOnly() throws Exception {
    SocketChannel[] bad = pair();
    SocketChannel[] good = pair();
    Notes failing = add(bad[0]);
    Notes other = add(good[0]);
    failing.failing = true;
    bad[1].write(ByteBuffer.wrap(new byte[1]));
    assertThat(failing.next()).isEqualTo("closed");
    assertThat(hasEnded(bad[1])).isTrue();
    good[1].write(ByteBuffer.wrap(new byte[1]));
    assertThat(other.next()).isEqualTo("read 1");
  }

  @Test
  void closingTellsEveryHandlerAlsoThoseThatComeLate() throws Exception {
    SocketChannel[] first = pair();
    SocketChannel[] second = pair();
    Notes early = add(first[0]);
    loop.close();
    assertThat(early.next()).isEqualTo("closed");
    assertThat(first[1].read(ByteBuffer.allocate(1))).isEqualTo(-1);

    Notes late = add(second[0]);
    assertThat(late.next()).isEqualTo("closed");
    assertThat(second[1].read(ByteBuffer.allocate(1))).isEqualTo(-1);
  }
}
