package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.channel.ChannelLoop;
import dev.berth.server.BerthServer;
import dev.berth.server.ServerSettings;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class JettyChannelLoopTest {
  @TempDir private Path folder;
  private BerthServer server;
  private ChannelLoop loop;

  @BeforeEach
  void start() {
    server = BerthServer.start(ServerSettings.of("127.0.0.1", 0, folder.resolve("uploads")));
    loop = new JettyChannelLoop(server.connector());
  }

  @AfterEach
  void stop() throws Exception {
    loop.close();
    server.close();
  }

  /** Two ends of one unix socket. */
  private record Pair(SocketChannel ours, SocketChannel theirs) {}

  private Pair pair() throws IOException {
    var address = UnixDomainSocketAddress.of(folder.resolve("s" + System.nanoTime()));
    try (var listener = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
      var _ = listener.bind(address);
      SocketChannel theirs = SocketChannel.open(address);
      return new Pair(listener.accept(), theirs);
    }
  }

  /** Sends back what it reads, and notes what else it is told. */
  private static class Echo implements ChannelLoop.Handler {
    final SocketChannel socket;
    final AtomicReference<ChannelLoop.Registration> place = new AtomicReference<>();
    final BlockingQueue<String> events = new LinkedBlockingQueue<>();
    final CompletableFuture<Throwable> closed = new CompletableFuture<>();

    Echo(SocketChannel socket) {
      this.socket = socket;
    }

    @Override
    public void onReadable() {
      assertThat(place.get().inLoop()).isTrue();
      ByteBuffer bytes = ByteBuffer.allocate(1024);
      try {
        if (socket.read(bytes) < 0) {
          events.add("end");
          place.get().close();
          return;
        }
        bytes.flip();
        socket.write(bytes);
      } catch (IOException e) {
        events.add(e.toString());
      }
    }

    @Override
    public void onWritable() {
      events.add("writable " + place.get().inLoop());
    }

    @Override
    public void onTimer() {
      events.add("timer " + place.get().inLoop());
    }

    @Override
    public void onClosed(Throwable cause) {
      closed.complete(cause);
    }

    String event() throws InterruptedException {
      return events.poll(10, TimeUnit.SECONDS);
    }
  }

  private Echo add(SocketChannel socket) {
    var echo = new Echo(socket);
    loop.add(socket, echo, echo.place::set);
    return echo;
  }

  private static String exchange(SocketChannel socket, String text) throws IOException {
    socket.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
    ByteBuffer answer = ByteBuffer.allocate(text.length());
    while (answer.hasRemaining()) {
      assertThat(socket.read(answer)).isPositive();
    }
    return new String(answer.array(), StandardCharsets.UTF_8);
  }

  @Test
  void readsAndTellsTheEnd() throws Exception {
    Pair pair = pair();
    Echo echo = add(pair.ours());

    assertThat(exchange(pair.theirs(), "one")).isEqualTo("one");
    assertThat(exchange(pair.theirs(), "two")).isEqualTo("two");
    assertThat(echo.place.get().inLoop()).isFalse();

    pair.theirs().close();
    assertThat(echo.event()).isEqualTo("end");
  }

  @Test
  void tellsOnceWhenASocketTakesBytes() throws Exception {
    Pair pair = pair();
    Echo echo = add(pair.ours());
    assertThat(exchange(pair.theirs(), "x")).isEqualTo("x");

    echo.place.get().wantWrite();
    assertThat(echo.event()).isEqualTo("writable true");
    var inside = new CompletableFuture<Void>();
    echo.place
        .get()
        .execute(() -> {
          echo.place.get().wantWrite();
          inside.complete(null);
        });
    inside.get(10, TimeUnit.SECONDS);
    assertThat(echo.event()).isEqualTo("writable true");
    assertThat(exchange(pair.theirs(), "y")).isEqualTo("y");
    assertThat(echo.events).isEmpty();
  }

  @Test
  void wantingToWriteAtOnceIsNotLost() throws Exception {
    for (int i = 0; i < 50; i++) {
      Pair pair = pair();
      var echo = new Echo(pair.ours());
      var place = loop.add(pair.ours(), echo, echo.place::set);
      place.wantWrite();
      assertThat(echo.event()).isEqualTo("writable true");
      pair.theirs().close();
      place.close();
    }
  }

  @Test
  void leavesWhatComesUnreadUntilItMayBeRead() throws Exception {
    Pair pair = pair();
    Echo echo = add(pair.ours());
    assertThat(exchange(pair.theirs(), "one")).isEqualTo("one");
    ChannelLoop.Registration place = echo.place.get();
    var stopped = new CompletableFuture<Void>();
    place.execute(() -> {
      place.stopReading();
      stopped.complete(null);
    });
    stopped.get(10, TimeUnit.SECONDS);

    pair.theirs().write(ByteBuffer.wrap("two".getBytes(StandardCharsets.UTF_8)));
    place.wantWrite();
    assertThat(echo.event()).isEqualTo("writable true");
    place.wakeAt(System.nanoTime());
    assertThat(echo.event()).isEqualTo("timer true");
    pair.theirs().configureBlocking(false);
    ByteBuffer answer = ByteBuffer.allocate(3);
    assertThat(pair.theirs().read(answer)).isZero();

    pair.theirs().configureBlocking(true);
    place.execute(place::startReading);
    assertThat(pair.theirs().read(answer)).isEqualTo(3);
    pair.theirs().close();
    assertThat(echo.event()).isEqualTo("end");
  }

  @Test
  void runsTasksAndTimersInTheLoop() throws Exception {
    Echo echo = add(pair().ours());
    var inLoop = new CompletableFuture<Boolean>();

    echo.place.get().execute(() -> inLoop.complete(echo.place.get().inLoop()));
    assertThat(inLoop.get(10, TimeUnit.SECONDS)).isTrue();

    long asked = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(20);
    echo.place.get().wakeAt(asked);
    assertThat(echo.event()).isEqualTo("timer true");
    assertThat(System.nanoTime() - asked).isNotNegative();
  }

  @Test
  void closingASocketEndsItForBothSidesAndTellsNobody() throws Exception {
    Pair pair = pair();
    Echo echo = add(pair.ours());
    assertThat(exchange(pair.theirs(), "x")).isEqualTo("x");

    echo.place.get().close();

    assertThat(pair.theirs().read(ByteBuffer.allocate(1))).isEqualTo(-1);
    assertThat(echo.closed).isNotDone();
  }

  @Test
  void closingTheLoopTellsEveryHandler() throws Exception {
    Echo first = add(pair().ours());
    Echo second = add(pair().ours());

    loop.close();

    assertThat(first.closed.get(10, TimeUnit.SECONDS)).isNotNull();
    assertThat(second.closed.get(10, TimeUnit.SECONDS)).isNotNull();
    assertThat(add(pair().ours()).closed.get(10, TimeUnit.SECONDS)).isNotNull();
  }

  @Test
  void theEndOfTheServerTellsEveryHandler() throws Exception {
    Pair pair = pair();
    Echo echo = add(pair.ours());
    assertThat(exchange(pair.theirs(), "x")).isEqualTo("x");

    server.close();

    assertThat(echo.closed.get(10, TimeUnit.SECONDS)).isNotNull();
  }

  @Test
  void aHandlerThatFailsClosesItsSocketAlone() throws Exception {
    Pair good = pair();
    Pair bad = pair();
    add(good.ours());
    var failing =
        new Echo(bad.ours()) {
          @Override
          public void onReadable() {
            throw new IllegalStateException("broken");
          }
        };
    loop.add(bad.ours(), failing, failing.place::set);

    bad.theirs().write(ByteBuffer.wrap(new byte[] {1}));

    assertThat(failing.closed.get(10, TimeUnit.SECONDS)).hasMessage("broken");
    assertThat(exchange(good.theirs(), "still here")).isEqualTo("still here");
  }
}
