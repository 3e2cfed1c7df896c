package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What a worker that means harm, or is broken, can do to the host: nothing but lose its channel.
 */
class HostileWorkerTest {
  @TempDir Path folder;
  private final SelectorLoop loop = new SelectorLoop();

  @AfterEach
  void closeLoop() {
    loop.close();
  }

  private HandmadePeer peer() throws IOException {
    return new HandmadePeer(loop, folder, ChannelLimits.DEFAULT);
  }

  @ParameterizedTest(name = "chn01ForgedFrames {0}")
  @ValueSource(
      strings = {
        "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":-1,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":999999999999999999,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"error\":{\"code\":1,\"message\":\"\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":9,\"result\":{\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocol\":1,\"python\":\"\",\"health\":true}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":2,\"fraction\":1,\"message\":\"\"}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"partial\",\"params\":{\"id\":2,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"chunk\",\"params\":{\"id\":2,\"data\":\"1\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"chunks\":1}}",
      })
  void chn01ForgedFrames(String frame) throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      assertThat(peer.receive()).contains("\"id\":1");

      peer.send(frame);

      assertViolation(peer, call);
    }
  }

  @ParameterizedTest(name = "chn02Malformed {0}")
  @ValueSource(
      strings = {
        "",
        " ",
        "null",
        "[]",
        "1",
        "{",
        "{}",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":01,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":\"1\",\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1.0,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1}}x",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":NaN}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":'a'}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":\"\\ud800\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1,\"value\":2}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1,\"chunks\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":1,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1},\"error\":{\"code\":1,\"message\":\"\"}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1},\"more\":1}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":2}}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":\"x\"}",
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"chat.send\",\"params\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"chat.send\",\"params\":{}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\"}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"records\":1,\"dropped\":0}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"records\":[1],\"dropped\":0}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"records\":[],\"dropped\":-1}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":1,\"fraction\":2,\"message\":\"\"}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":1,\"fraction\":\"1\",\"message\":\"\"}}",
        "[{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1}}]",
      })
  void chn02Malformed(String frame) throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      assertThat(peer.receive()).contains("\"id\":1");

      peer.send(frame);

      assertViolation(peer, call);
    }
  }

  @ParameterizedTest(name = "chn02Lengths {0}")
  @ValueSource(ints = {0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE, (1 << 20) + 1})
  void chn02Lengths(int length) throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");

      peer.sendRaw(ByteBuffer.allocate(4).putInt(length).array());

      PluginException why = assertViolation(peer, call);
      assertThat(why.getMessage())
          .isEqualTo(
              "Plugin 'dice' (plugin_t) broke the channel's protocol: a frame of "
                  + Integer.toUnsignedString(length)
                  + " bytes was announced.");
    }
  }

  @Test
  void chn02InvalidUtf8() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      byte[] text =
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":\"?\"}}"
              .replace('?', '\u00ff')
              .getBytes(StandardCharsets.ISO_8859_1);

      peer.sendRaw(ByteBuffer.allocate(4 + text.length).putInt(text.length).put(text).array());

      assertViolation(peer, call);
    }
  }

  @Test
  void chn02DeepJson() throws Exception {
    for (String around : List.of("[", "{\"a\":")) {
      try (HandmadePeer peer = peer()) {
        CompletableFuture<ExecutionResult> call = peer.call("{}");
        peer.answer(1, around.repeat(10_000));
        assertViolation(peer, call);
      }
    }
    try (HandmadePeer peer = peer()) {
      peer.send("{\"a\":".repeat(100_000));
      assertThat(peer.listener.awaitClosed().code()).isEqualTo(ErrorCode.PLUGIN_PROTOCOL_ERROR);
    }
  }

  @Test
  void chn02OneByteAtATimeAndTruncated() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> first = peer.call("{}");
      CompletableFuture<ExecutionResult> second = peer.call("{}");
      byte[] text =
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1}}"
              .getBytes(StandardCharsets.UTF_8);
      for (byte b : ByteBuffer.allocate(4 + text.length).putInt(text.length).put(text).array()) {
        peer.sendRaw(new byte[] {b});
      }
      assertThat(first.get(10, TimeUnit.SECONDS).orThrow().result()).hasToString("1");

      peer.sendRaw(new byte[] {0, 0, 1, 0, '{'});
      peer.socket.close();

      assertThat(peer.listener.awaitClosed().code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
      assertThat(second.get(1, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Failed.class);
    }
  }

  @Test
  void chn02AFrameThatNeverEnds() throws Exception {
    ChannelLimits limits = ChannelLimits.DEFAULT.withFramePatience(Duration.ofMillis(100));
    try (HandmadePeer peer = new HandmadePeer(loop, folder, limits)) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      // Others before it, in part too, were well.
      for (int i = 0; i < 10; i++) {
        peer.sendRaw(new byte[] {0, 0, 0});
        peer.sendRaw(new byte[] {68});
        peer.sendRaw("{\"jsonrpc\":\"2.0\",\"method\":\"log\",".getBytes(StandardCharsets.UTF_8));
        peer.sendRaw("\"params\":{\"records\":[],\"dropped\":0}}".getBytes(StandardCharsets.UTF_8));
      }
      peer.sendRaw(new byte[] {0, 0});

      assertThat(assertViolation(peer, call))
          .hasMessageEndingWith("protocol: a frame was not whole after 0.1 s.");
    }
  }

  /** Thousands of damaged messages: each ends its channel in order, and nothing stays behind. */
  @Test
  void chn02GeneratedDesync() throws Exception {
    List<String> good =
        List.of(
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":{\"a\":[1,\"é\"]}}}",
            "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"m\",\"data\":{\"kind\":\"plugin_error\",\"exception\":\"E\",\"frames\":[\"a:1 f\",\"b:2 g\"],\"traceback\":\"t\\n\"}}}",
            "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":1,\"fraction\":0.5,\"message\":\"half\"}}",
            "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"records\":[{\"time\":1,\"level\":\"INFO\",\"source\":\"stdout\",\"logger\":\"\",\"message\":\"m\"}],\"dropped\":0}}",
            "{\"jsonrpc\":\"2.0\",\"method\":\"chunk\",\"params\":{\"id\":1,\"data\":\"[1\"}}");
    var random = new Random(7);
    long before = heapAfterGc();
    int ended = 0;
    for (int i = 0; i < 4_000; i++) {
      try (HandmadePeer peer = peer()) {
        CompletableFuture<ExecutionResult> call = peer.call("{}");
        byte[] frame = good.get(i % good.size()).getBytes(StandardCharsets.UTF_8);
        byte[] whole =
            ByteBuffer.allocate(4 + frame.length).putInt(frame.length).put(frame).array();
        damage(whole, random);
        try {
          peer.sendRaw(whole);
        } catch (IOException e) {
          // The host has hung up already.
        }
        peer.socket.shutdownOutput();
        PluginException why = peer.listener.awaitClosed();
        assertThat(why.code()).isIn(ErrorCode.PLUGIN_PROTOCOL_ERROR, ErrorCode.PLUGIN_CRASHED);
        ended += why.code() == ErrorCode.PLUGIN_PROTOCOL_ERROR ? 1 : 0;
        assertThat(call).isDone();
        assertThat(peer.channel.inFlight()).isZero();
        assertThat(peer.listener.closings).hasValue(1);
      }
    }
    assertThat(ended).isGreaterThan(2_000);
    assertThat(heapAfterGc() - before).isLessThan(16 << 20);
  }

  private static void damage(byte[] frame, Random random) {
    int hits = 1 + random.nextInt(3);
    for (int h = 0; h < hits; h++) {
      int at = random.nextInt(4) == 0 ? random.nextInt(4) : random.nextInt(frame.length);
      frame[at] = (byte) random.nextInt(256);
    }
  }

  /** Announced sizes cost nothing: memory follows the bytes that came. */
  @Test
  void chn02AnnouncedLengthsAreNotAllocated() throws Exception {
    long before = heapAfterGc();
    var peers = new ArrayList<HandmadePeer>();
    try {
      for (int i = 0; i < 200; i++) {
        HandmadePeer peer = peer();
        peers.add(peer);
        peer.sendRaw(new byte[] {0, 16, 0, 0, '{'});
      }
      // The loop has read all of them once it has answered this.
      try (HandmadePeer last = peer()) {
        CompletableFuture<ExecutionResult> call = last.call("{}");
        last.answer(1, "1");
        assertThat(call.get(10, TimeUnit.SECONDS)).isNotNull();
      }
      assertThat(heapAfterGc() - before).isLessThan(16 << 20);
    } finally {
      for (HandmadePeer peer : peers) {
        peer.close();
      }
    }
  }

  @Test
  void chn03DuplicateAndLateAnswers() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> first = peer.call("{}");
      peer.answer(1, "\"first\"");
      peer.answer(1, "\"again\"");
      assertThat(first.get(10, TimeUnit.SECONDS).orThrow().result()).hasToString("\"first\"");

      CompletableFuture<ExecutionResult> late = peer.call("{}", Duration.ofMillis(50));
      assertThat(((ExecutionResult.Failed) late.get(10, TimeUnit.SECONDS)).error().code())
          .isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
      CompletableFuture<ExecutionResult> next = peer.call("{}");
      peer.answer(2, "\"late\"");
      peer.send(
          "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{\"id\":2,\"fraction\":null,\"message\":\"\"}}");
      peer.answer(3, "\"next\"");

      assertThat(next.get(10, TimeUnit.SECONDS).orThrow().result()).hasToString("\"next\"");
      assertThat(peer.channel.droppedAnswers()).isEqualTo(3);
      assertThat(peer.listener.closed).isNotDone();
      assertThat(List.of(peer.receive(), peer.receive(), peer.receive(), peer.receive()))
          .contains("{\"jsonrpc\":\"2.0\",\"method\":\"cancel\",\"params\":{\"id\":2}}");
    }
  }

  /** A notice that calms the host is believed of a call that was cancelled, and once. */
  @Test
  void aNoticeThatWasNotAskedForIsRefused() throws Exception {
    String notice = "{\"jsonrpc\":\"2.0\",\"method\":\"cancelling\",\"params\":{\"id\":1}}";
    try (HandmadePeer running = peer();
        HandmadePeer again = peer();
        HandmadePeer over = peer()) {
      CompletableFuture<ExecutionResult> call = running.call("{}");
      running.send(notice);
      assertThat(assertViolation(running, call))
          .hasMessageEndingWith(
              "protocol: it says of call 1 that it is cancelling, unasked or again.");

      CompletableFuture<ExecutionResult> cancelled = again.call("{}");
      CompletableFuture<ExecutionResult> other = again.call("{}");
      cancelled.cancel(true);
      again.send(notice);
      again.answer(2, "1");
      assertThat(other.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
      CompletableFuture<ExecutionResult> next = again.call("{}");
      again.send(notice);
      assertViolation(again, next);

      CompletableFuture<ExecutionResult> answered = over.call("{}");
      over.answer(1, "1");
      assertThat(answered.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
      CompletableFuture<ExecutionResult> last = over.call("{}");
      over.send(notice);
      assertViolation(over, last);
    }
  }

  @ParameterizedTest(name = "tooMuchAboutCallsThatAreOver {0}")
  @ValueSource(
      strings = {
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"value\":1}}",
        "{\"jsonrpc\":\"2.0\",\"method\":\"partial\",\"params\":{\"id\":1,\"value\":1}}",
      })
  void tooMuchAboutCallsThatAreOver(String frame) throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> first = peer.call("{}");
      CompletableFuture<ExecutionResult> second = peer.call("{}");
      peer.answer(1, "1");
      for (int i = 0; i < 1000; i++) {
        peer.send(frame);
      }
      peer.answer(2, "1");
      assertThat(second.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(first).isDone();
      assertThat(peer.channel.droppedAnswers()).isEqualTo(1000);

      CompletableFuture<ExecutionResult> third = peer.call("{}");
      try {
        for (int i = 0; i < 100_000; i++) {
          peer.send(frame);
        }
      } catch (IOException hungUp) {
        // As it is meant to.
      }
      assertThat(assertViolation(peer, third))
          .hasMessageEndingWith(
              "protocol: more than 1000 messages in a second about calls it has answered.");
    }
  }

  @ParameterizedTest(name = "badNumbers {0}")
  @ValueSource(
      strings = {"1.0", "1e1", "-", "\"1\"", "null", "true", "[1]", "{}", "1234567890123456789"})
  void badNumbers(String number) throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      peer.send(
          "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"records\":[],\"dropped\":"
              + number
              + "}}");
      assertViolation(peer, call);
    }
  }

  @Test
  void wholeNumbersAreRead() throws Exception {
    try (HandmadePeer peer = peer()) {
      for (String number : List.of("0", "7", "-0", " 999999999999999999 ")) {
        peer.send(
            "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"records\":[],\"dropped\":"
                + number
                + "}}");
      }
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      peer.answer(1, "1");
      assertThat(call.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(peer.listener.dropped).hasValue(1_000_000_000_000_000_006L);
    }
  }

  @Test
  void membersInAnotherOrderAreRead() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      peer.send(
          " { \"result\" : { \"value\" : [ 1 ], \"success\" : false }, \"\\u0069d\" : 1 ,"
              + "\"jsonrpc\":\"2.0\" } ");

      ExecutionResult.Succeeded answer = call.get(10, TimeUnit.SECONDS).orThrow();
      assertThat(answer.result()).hasToString("[ 1 ]");
      assertThat(answer.success()).isFalse();
    }
  }

  @Test
  void aPeerThatNeverReadsBlocksNobody() throws Exception {
    ChannelLimits limits =
        ChannelLimits.DEFAULT.withMaxInFlight(100_000).withCancelGrace(Duration.ofMinutes(1));
    try (HandmadePeer deaf = new HandmadePeer(loop, folder, limits);
        HandmadePeer other = peer()) {
      String context = "{\"a\":\"" + "x".repeat(10_000) + "\"}";
      PluginException refused = null;
      int sent = 0;
      while (refused == null) {
        CompletableFuture<ExecutionResult> call = deaf.call(context);
        sent++;
        assertThat(sent).isLessThan(2_000);
        if (call.isDone()) {
          refused = ((ExecutionResult.Failed) call.join()).error();
        }
      }
      assertThat(refused)
          .hasMessage(
              "Plugin 'dice' (plugin_t) takes calls more slowly than they come and its queue is"
                  + " full. Try again later.");
      assertThat(refused.code()).isEqualTo(ErrorCode.PLUGIN_OVERLOADED);

      CompletableFuture<ExecutionResult> call = other.call("{}");
      other.answer(1, "1");
      assertThat(call.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);

      // Once it reads, everything that was accepted arrives, whole and in order.
      for (int i = 1; i < sent; i++) {
        assertThat(deaf.receive())
            .startsWith("{\"jsonrpc\":\"2.0\",\"id\":" + i + ",")
            .hasSizeGreaterThan(10_000);
      }
      CompletableFuture<ExecutionResult> after = deaf.call("{}");
      assertThat(deaf.receive()).contains("\"params\":{\"context\":{}}");
      assertThat(after).isNotDone();
    }
  }

  @Test
  void piecesPastTheLimitFailTheirCallOnly() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> large = peer.call("{}");
      CompletableFuture<ExecutionResult> other = peer.call("{}");
      String piece =
          "{\"jsonrpc\":\"2.0\",\"method\":\"chunk\",\"params\":{\"id\":1,\"data\":\""
              + "1".repeat(200_000)
              + "\"}}";
      for (int i = 0; i < 50; i++) {
        peer.send(piece);
      }
      var failed = (ExecutionResult.Failed) large.get(10, TimeUnit.SECONDS);
      assertThat(failed.error().code()).isEqualTo(ErrorCode.PLUGIN_RESULT_TOO_LARGE);

      peer.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"chunks\":50}}");
      peer.answer(2, "1");
      assertThat(other.get(10, TimeUnit.SECONDS)).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(peer.listener.closed).isNotDone();
    }
  }

  @Test
  void piecesOfManyCallsAreBoundedTogether() throws Exception {
    try (HandmadePeer peer = peer()) {
      var calls = new ArrayList<CompletableFuture<ExecutionResult>>();
      for (int i = 0; i < 100; i++) {
        calls.add(peer.call("{}"));
      }
      for (int i = 1; i <= 100; i++) {
        peer.send(
            "{\"jsonrpc\":\"2.0\",\"method\":\"chunk\",\"params\":{\"id\":"
                + i
                + ",\"data\":\""
                + "1".repeat(250_000)
                + "\"}}");
      }
      var last = (ExecutionResult.Failed) calls.get(99).get(10, TimeUnit.SECONDS);
      assertThat(last.error().code()).isEqualTo(ErrorCode.PLUGIN_OVERLOADED);
      assertThat(calls.get(0)).isNotDone();
    }
  }

  @ParameterizedTest(name = "badPieces {0}")
  @ValueSource(strings = {"[1", "", "1 2", "[1]]"})
  void badPieces(String text) throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      peer.send(
          "{\"jsonrpc\":\"2.0\",\"method\":\"chunk\",\"params\":{\"id\":1,\"data\":\""
              + text
              + "\"}}");
      peer.send("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"success\":true,\"chunks\":1}}");
      assertViolation(peer, call);
    }
  }

  @Test
  void aFullFrameTooLongForTheLimitFailsItsCallOnly() throws Exception {
    ChannelLimits limits = ChannelLimits.DEFAULT.withValueBytes(1000, 1000);
    try (HandmadePeer peer = new HandmadePeer(loop, folder, limits)) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      peer.answer(1, "\"" + "x".repeat(999) + "\"");
      assertThat(((ExecutionResult.Failed) call.get(10, TimeUnit.SECONDS)).error().code())
          .isEqualTo(ErrorCode.PLUGIN_RESULT_TOO_LARGE);
      assertThat(peer.listener.closed).isNotDone();
    }
  }

  @Test
  void whatItWritesIsMadePrintable() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> call = peer.call("{}");
      peer.send(
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":-32000,\"message\":\"a\\u001b[2Jb\\nc\","
              + "\"data\":{\"kind\":\"plugin_not_found\",\"traceback\":\""
              + "line\\u001b[31m\\n".repeat(50)
              + "\"}}}");
      PluginException error = ((ExecutionResult.Failed) call.get(10, TimeUnit.SECONDS)).error();

      // A kind that is not one of a call's own is not believed.
      assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_ERROR);
      assertThat(error.getMessage()).endsWith("raised a\\u001b[2Jb\\u000ac.");
      assertThat((String) error.details().get("traceback"))
          .hasLineCount(20)
          .startsWith("line\\u001b[31m\nline");
    }
  }

  @Test
  void aListenerThatClosesTheChannelStopsTheReading() throws Exception {
    try (HandmadePeer peer = peer()) {
      CompletableFuture<ExecutionResult> second = new CompletableFuture<>();
      CompletableFuture<ExecutionResult> first = peer.call("{}");
      var _ = first.thenRun(peer.channel::close);
      var _ =
          peer.channel
              .execute(Json.of("{}"), RunningWorker.LONG, ExecutionListener.NONE)
              .whenComplete((r, e) -> second.complete(r));
      ByteBuffer both = ByteBuffer.allocate(1000);
      for (int id = 1; id <= 2; id++) {
        byte[] text =
            ("{\"jsonrpc\":\"2.0\",\"id\":" + id + ",\"result\":{\"success\":true,\"value\":1}}")
                .getBytes(StandardCharsets.UTF_8);
        both.putInt(text.length).put(text);
      }
      peer.sendRaw(java.util.Arrays.copyOf(both.array(), both.position()));

      assertThat(((ExecutionResult.Failed) second.get(10, TimeUnit.SECONDS)).error().code())
          .isEqualTo(ErrorCode.SHUTTING_DOWN);
    }
  }

  private static PluginException assertViolation(
      HandmadePeer peer, CompletableFuture<ExecutionResult> call) throws Exception {
    PluginException why = peer.listener.awaitClosed();
    assertThat(why.code()).isEqualTo(ErrorCode.PLUGIN_PROTOCOL_ERROR);
    assertThat(why.getMessage())
        .startsWith("Plugin 'dice' (plugin_t) broke the channel's protocol: ");
    assertThat(((ExecutionResult.Failed) call.get(10, TimeUnit.SECONDS)).error().code())
        .isEqualTo(ErrorCode.PLUGIN_PROTOCOL_ERROR);
    assertThat(peer.channel.inFlight()).isZero();
    assertThat(peer.listener.closings).hasValue(1);
    // The socket is closed: the stream ends after what was sent to it.
    while (peer.receive() != null) {}
    return why;
  }

  private static long heapAfterGc() {
    System.gc();
    return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
  }
}
