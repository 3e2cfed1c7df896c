package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Workers that say more than anybody wants to hear, each word of it legal. */
@Timeout(120)
class FloodTest {
  private static final Duration FLOOD = Duration.ofSeconds(2);

  @TempDir Path folder;
  private final SelectorLoop real = new SelectorLoop();
  private final CountingLoop loop = new CountingLoop(real);

  @AfterEach
  void closeLoop() {
    loop.close();
  }

  enum Flood {
    PROGRESS("progress", "{\"id\":1,\"fraction\":0.5,\"message\":\"x\"}"),
    PARTIAL("partial", "{\"id\":1,\"value\":[1,2,3]}"),
    LARGE_PARTIAL("partial", "{\"id\":1,\"value\":[" + "1,".repeat(400_000) + "1]}"),
    NO_RECORDS("log", "{\"records\":[],\"dropped\":0}"),
    RECORDS(
        "log",
        "{\"records\":["
            + ("{\"time\":1,\"level\":\"INFO\",\"source\":\"logging\",\"logger\":\"a\","
                    + "\"message\":\"b\"},")
                .repeat(999)
            + "{\"time\":1,\"level\":\"INFO\",\"source\":\"stdout\",\"logger\":\"\","
            + "\"message\":\"\"}],\"dropped\":1}"),
    CRUMBS("chunk", "{\"id\":1,\"data\":\"\"}"),
    BYTE_BY_BYTE("log", "{\"records\":[],\"dropped\":0}");

    private final byte[] bytes;

    Flood(String method, String params) {
      byte[] body =
          ("{\"jsonrpc\":\"2.0\",\"method\":\"" + method + "\",\"params\":" + params + "}")
              .getBytes(StandardCharsets.UTF_8);
      int frames = Math.max(1, (256 << 10) / (4 + body.length));
      ByteBuffer all = ByteBuffer.allocate(frames * (4 + body.length));
      for (int i = 0; i < frames; i++) {
        all.putInt(body.length).put(body);
      }
      bytes = all.array();
    }

    int step() {
      return this == BYTE_BY_BYTE ? 1 : bytes.length;
    }
  }

  private HandmadePeer peer() throws IOException {
    return new HandmadePeer(loop, folder, ChannelLimits.DEFAULT);
  }

  /** Says it over and over, from a thread of its own, until it is told to stop or the host ends. */
  private static final class Flooder implements AutoCloseable {
    private final HandmadePeer peer;
    private final Thread thread;
    private volatile boolean enough;

    Flooder(HandmadePeer peer, Flood flood) {
      this.peer = peer;
      var _ = peer.call("{}");
      thread = Thread.ofPlatform().start(() -> run(flood));
    }

    private void run(Flood flood) {
      try {
        while (!enough) {
          ByteBuffer rest = ByteBuffer.wrap(flood.bytes);
          while (rest.hasRemaining() && !enough) {
            int step = Math.min(flood.step(), rest.remaining());
            int written = peer.socket.write(rest.slice(rest.position(), step));
            rest.position(rest.position() + written);
          }
          peer.listener.lines.clear();
        }
      } catch (IOException hungUp) {
        return; // Its end is what the test looks at.
      }
    }

    @Override
    public void close() throws IOException {
      enough = true;
      peer.close();
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    }
  }

  /** CPU time of the loop's thread so far, as the scheduler counts it (proc(5), schedstat). */
  private static long loopNanos() throws IOException {
    try (Stream<Path> threads = Files.list(Path.of("/proc/self/task"))) {
      long sum = 0;
      for (Path thread : threads.toList()) {
        if (Files.readString(thread.resolve("comm")).strip().equals("berth-channels")) {
          sum += Long.parseLong(Files.readString(thread.resolve("schedstat")).split(" ", -1)[0]);
        }
      }
      return sum;
    }
  }

  private static void honestCall(HandmadePeer peer, int id) throws Exception {
    CompletableFuture<ExecutionResult> call = peer.call("{}");
    assertThat(peer.receive()).contains("\"id\":" + id + ",");
    peer.answer(id, "1");
    assertThat(call.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
  }

  @ParameterizedTest
  @EnumSource(Flood.class)
  void aFloodHasASmallPartOfTheLoopAndCallsGoOn(Flood flood) throws Exception {
    try (HandmadePeer honest = peer();
        Flooder _ = new Flooder(peer(), flood);
        Flooder _ = new Flooder(peer(), flood)) {
      long cpu = loopNanos();
      long begun = System.nanoTime();
      int calls = 0;
      while (System.nanoTime() - begun < FLOOD.toNanos()) {
        honestCall(honest, ++calls);
        LockSupport.parkNanos(5_000_000);
      }
      double share = (double) (loopNanos() - cpu) / (System.nanoTime() - begun);

      assertThat(calls).isGreaterThan(20);
      // Twice the 100 ms at once, and 5 % of the rest; the calls and the waking on top.
      assertThat(share).as("the thread's share of a CPU").isLessThan(0.35);
      assertThat(loop.stops).hasPositiveValue();
      assertThat(honest.listener.closed).isNotDone();
    }
  }

  @Test
  void theEndOfOneThatIsLeftUnreadIsNoticed() throws Exception {
    HandmadePeer peer = peer();
    try (Flooder _ = new Flooder(peer, Flood.PROGRESS)) {
      loop.stopped.get(60, TimeUnit.SECONDS);
      peer.socket.close();
      assertThat(peer.listener.awaitClosed().code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
    }
  }

  @Test
  void itsCallsEndInTimeAllTheSame() throws Exception {
    HandmadePeer peer = peer();
    try (Flooder _ = new Flooder(peer, Flood.PROGRESS)) {
      loop.stopped.get(60, TimeUnit.SECONDS);
      var ended = (ExecutionResult.Failed) peer.call("{}", Duration.ofMillis(10)).get();
      assertThat(ended.error().code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
      assertThat(peer.listener.unresponsive.get(30, TimeUnit.SECONDS).code())
          .isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
    }
  }

  @Test
  void whatItSaidMeanwhileIsReadInTheEnd() throws Exception {
    try (HandmadePeer peer = peer()) {
      var progress = new AtomicInteger();
      CompletableFuture<ExecutionResult> call =
          peer.channel.execute(
              Json.of("{}"),
              RunningWorker.LONG,
              new ExecutionListener() {
                @Override
                public void onProgress(Double fraction, String message) {
                  progress.incrementAndGet();
                }

                @Override
                public void onPartial(Json value) {}
              });
      int said = 0;
      while (loop.stops.get() < 3) {
        peer.send(
            "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":"
                + "{\"id\":1,\"fraction\":0.5,\"message\":\"x\"}}");
        said++;
      }
      peer.answer(1, "\"done\"");
      assertThat(call.get(30, TimeUnit.SECONDS).orThrow().result()).hasToString("\"done\"");
      assertThat(progress).hasValue(said);
    }
  }

  /** Many calls at once, each with a word about how far it is, and a log that is written to. */
  @Test
  void aBusyWorkerIsNotLeftUnread() throws Exception {
    try (HandmadePeer peer = peer()) {
      int rounds = 300;
      int atOnce = 64;
      int id = 0;
      for (int round = 0; round < rounds; round++) {
        var calls = Stream.generate(() -> peer.call("{}")).limit(atOnce).toList();
        ByteBuffer out = ByteBuffer.allocate(1 << 16);
        for (int i = 0; i < atOnce; i++) {
          id++;
          if (i % 8 == 0) {
            put(
                out,
                "\"method\":\"progress\",\"params\":{\"id\":"
                    + id
                    + ",\"fraction\":0.5,\"message\":\"half\"}");
          }
          put(
              out,
              "\"id\":"
                  + id
                  + ",\"result\":{\"success\":true,\"value\":\""
                  + "x".repeat(300)
                  + "\"}");
        }
        put(
            out,
            "\"method\":\"log\",\"params\":{\"records\":[{\"time\":1,\"level\":\"INFO\","
                + "\"source\":\"logging\",\"logger\":\"a\",\"message\":\"b\"}],\"dropped\":0}");
        peer.sendRaw(Arrays.copyOf(out.array(), out.position()));
        for (CompletableFuture<ExecutionResult> call : calls) {
          assertThat(call.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
        }
        for (int i = 0; i < atOnce; i++) {
          assertThat(peer.receive()).isNotNull();
        }
      }
      assertThat(loop.stops).hasValue(0);
    }
  }

  private static void put(ByteBuffer out, String members) {
    byte[] text = ("{\"jsonrpc\":\"2.0\"," + members + "}").getBytes(StandardCharsets.UTF_8);
    out.putInt(text.length).put(text);
  }

  /** Results of a mebibyte, which come in many turns. */
  @Test
  void largeAnswersAreNotLeftUnread() throws Exception {
    try (HandmadePeer peer = peer()) {
      String value = "\"" + "x".repeat(1_000_000) + "\"";
      for (int id = 1; id <= 100; id++) {
        honestCallWith(peer, id, value);
      }
      assertThat(loop.stops).hasValue(0);
      assertThat(List.copyOf(peer.listener.faults)).isEmpty();
    }
  }

  private static void honestCallWith(HandmadePeer peer, int id, String value) throws Exception {
    CompletableFuture<ExecutionResult> call = peer.call("{}");
    assertThat(peer.receive()).contains("\"id\":" + id + ",");
    peer.answer(id, value);
    assertThat(call.get(30, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
  }
}
