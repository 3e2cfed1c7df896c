package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The channel and a real worker, both ends as they are used. */
class WorkerChannelTest {
  private static final String PLUGIN =
      """
      import asyncio, logging, sys, time
      import berth

      class P:
          def __init__(self, config):
              self.config = config
          async def initialize(self):
              return True
          async def execute(self, context):
              do = context.get("do")
              if do == "wait":
                  await asyncio.sleep(context["seconds"])
              if do == "hang":
                  print("hanging", flush=True)
                  await asyncio.sleep(0.1)
                  time.sleep(60)
              if do == "stubborn":
                  await berth.progress(0.0, "stubborn")
                  while True:
                      try:
                          await asyncio.sleep(60)
                      except asyncio.CancelledError:
                          pass
              if do == "cancellable":
                  await berth.progress(None, "waiting")
                  try:
                      await asyncio.sleep(60)
                  except asyncio.CancelledError:
                      print("was cancelled")
                      raise
              if do == "raise":
                  raise ValueError("no dice")
              if do == "exit":
                  sys.exit(3)
              if do == "die":
                  import os
                  os._exit(7)
              if do == "progress":
                  await berth.progress(0.5, "half")
                  await berth.partial({"page": 1})
                  await berth.progress(1, "done")
              if do == "big":
                  return "ä" * context["size"]
              if do == "value":
                  return eval(context["code"])
              return {"echo": context, "config": self.config}
          def health_check(self):
              return {"status": "healthy"}
          async def cleanup(self):
              print("cleaned up")
      """;

  @TempDir Path folder;

  @Test
  void answersACall() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var result = (ExecutionResult.Succeeded) worker.execute("{\"a\":[1,2.5,null,\"ä\\n\"]}");

      assertThat(result.result())
          .hasToString("{\"echo\":{\"a\":[1,2.5,null,\"ä\\n\"]},\"config\":{\"key\":\"value\"}}");
      assertThat(result.success()).isTrue();
      assertThat(result.elapsed()).isPositive();
      assertThat(worker.channel.inFlight()).isZero();
    }
  }

  @Test
  void successIsTheValuesOwnWhereItIsABool() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      assertThat(value(worker, "{'success': False, 'error': 'x'}").success()).isFalse();
      assertThat(value(worker, "{'success': 'no'}").success()).isTrue();
      assertThat(value(worker, "[False]").success()).isTrue();
    }
  }

  @Test
  void manyCallsFromManyThreadsAllGetTheirOwnAnswer() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      List<CompletableFuture<ExecutionResult>> answers =
          Collections.synchronizedList(new ArrayList<>());
      int threads = 8;
      int each = 2_000;
      var ended = new CountDownLatch(threads);
      for (int t = 0; t < threads; t++) {
        int thread = t;
        Thread.ofVirtual()
            .start(() -> {
              try {
                for (int i = 0; i < each; i++) {
                  String context = "{\"n\":\"" + thread + "-" + i + "\"}";
                  CompletableFuture<ExecutionResult> answer =
                      worker.channel.execute(
                          Json.of(context), RunningWorker.LONG, ExecutionListener.NONE);
                  answers.add(
                      answer.thenApply(r -> {
                        assertThat(r.orThrow().result().toString())
                            .startsWith("{\"echo\":" + context + ",");
                        return r;
                      }));
                  if (i % 50 == 0) {
                    answer.join();
                  }
                }
              } finally {
                ended.countDown();
              }
            });
      }
      assertThat(ended.await(60, TimeUnit.SECONDS)).isTrue();
      for (CompletableFuture<ExecutionResult> answer : answers) {
        answer.get(60, TimeUnit.SECONDS);
      }
      assertThat(answers).hasSize(threads * each);
      assertThat(worker.channel.inFlight()).isZero();
      assertThat(worker.channel.droppedAnswers()).isZero();
    }
  }

  @Test
  void aPluginThatRaisesGivesItsTraceback() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      PluginException error = failure(worker, "{\"do\":\"raise\"}");

      assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_ERROR);
      assertThat(error).hasMessage("Plugin 'dice' (plugin_t) raised ValueError: no dice.");
      assertThat(error.details()).containsEntry("plugin_id", "plugin_t");
      assertThat((String) error.details().get("traceback"))
          .startsWith("Traceback (most recent call last):\n")
          .contains("main.py\", line", "in execute\n    raise ValueError(\"no dice\")")
          .endsWith("ValueError: no dice")
          .doesNotContain("berth_runtime");
      Fault fault = worker.listener.faults.remove();
      assertThat(fault.code()).isEqualTo(ErrorCode.PLUGIN_ERROR);
      assertThat(fault.exception()).isEqualTo("ValueError");
      assertThat(fault.message()).isEqualTo("no dice");
      assertThat(fault.frames()).hasSize(1).allMatch(at -> at.matches("main\\.py:\\d+ execute"));
      assertThat(fault.traceback()).isEqualTo(error.details().get("traceback"));
    }
  }

  @Test
  void exitEndsTheCallNotTheWorker() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      assertThat(failure(worker, "{\"do\":\"exit\"}"))
          .hasMessage("Plugin 'dice' (plugin_t) raised SystemExit: 3.");
      assertThat(worker.execute("{}")).isInstanceOf(ExecutionResult.Succeeded.class);
    }
  }

  @Test
  void aDeadlineAnswersAtOnceAndCancels() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var result =
          (ExecutionResult.Failed)
              worker
                  .channel
                  .execute(
                      Json.of("{\"do\":\"cancellable\"}"),
                      Duration.ofMillis(300),
                      ExecutionListener.NONE)
                  .get(10, TimeUnit.SECONDS);

      assertThat(result.error().code()).isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
      assertThat(result.error())
          .hasMessage("Plugin 'dice' (plugin_t) did not answer within 0.3 s.");
      worker.listener.await(line -> line.message().equals("was cancelled"));
      // The answer of the cancelled call, which nobody waits for, may still pass that of the next
      // one; that of the one after it comes a turn of the worker's loop later.
      assertThat(worker.execute("{}")).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(worker.execute("{}")).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(worker.channel.inFlight()).isZero();
      assertThat(worker.channel.droppedAnswers()).isEqualTo(1);
      assertThat(worker.listener.unresponsive).isNotDone();
      // Told once, and not again by the answer that came too late.
      assertThat(worker.listener.faults)
          .containsExactly(Fault.of(ErrorCode.PLUGIN_TIMEOUT, "did not answer within 0.3 s."));
    }
  }

  @Test
  void aCancelledFutureCancelsTheCall() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var waiting = new CountDownLatch(1);
      CompletableFuture<ExecutionResult> call =
          worker.channel.execute(
              Json.of("{\"do\":\"cancellable\"}"), RunningWorker.LONG, onProgress(waiting));
      assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();

      assertThat(call.cancel(true)).isTrue();

      worker.listener.await(line -> line.message().equals("was cancelled"));
      assertThat(worker.execute("{}")).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(worker.channel.droppedAnswers()).isEqualTo(1);
      assertThat(worker.listener.faults).isEmpty();
    }
  }

  @Test
  void aWorkerThatDoesNotGiveACallUpIsUnresponsive() throws Exception {
    ChannelLimits limits = ChannelLimits.DEFAULT.withCancelGrace(Duration.ofMillis(200));
    try (var worker = RunningWorker.of(folder, PLUGIN, limits)) {
      var waiting = new CountDownLatch(1);
      var call =
          worker.channel.execute(
              Json.of("{\"do\":\"stubborn\"}"), RunningWorker.LONG, onProgress(waiting));
      assertThat(waiting.await(10, TimeUnit.SECONDS)).isTrue();
      assertThat(call.cancel(true)).isTrue();

      PluginException why = worker.listener.unresponsive.get(10, TimeUnit.SECONDS);

      // Its loop goes on, and says so.
      assertThat(worker.channel.isSilent()).isFalse();
      assertThat(why)
          .hasMessage(
              "Plugin 'dice' (plugin_t) went on for 0.2 s after its call was cancelled; its worker"
                  + " is hung.");
      assertThat(worker.channel.inFlight()).isEqualTo(1);
    }
  }

  @Test
  void aBlockedLoopIsUnresponsiveAndHasSaidWhatItWasDoing() throws Exception {
    ChannelLimits limits = ChannelLimits.DEFAULT.withCancelGrace(Duration.ofMillis(200));
    try (var worker = RunningWorker.of(folder, PLUGIN, limits)) {
      var result =
          worker
              .channel
              .execute(Json.of("{\"do\":\"hang\"}"), Duration.ofMillis(500), ExecutionListener.NONE)
              .get(10, TimeUnit.SECONDS);

      assertThat(((ExecutionResult.Failed) result).error().code())
          .isEqualTo(ErrorCode.PLUGIN_TIMEOUT);
      assertThat(worker.channel.isSilent()).isTrue();
      worker.listener.unresponsive.get(10, TimeUnit.SECONDS);
      worker.listener.await(line -> line.message().equals("hanging"));
      assertThat(worker.channel.isSilent()).isTrue();
    }
  }

  @Test
  void aDeadWorkerFailsEveryCallInFlightAtOnce() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var calls = new ArrayList<CompletableFuture<ExecutionResult>>();
      for (int i = 0; i < 50; i++) {
        calls.add(
            worker.channel.execute(
                Json.of("{\"do\":\"wait\",\"seconds\":60}"),
                RunningWorker.LONG,
                ExecutionListener.NONE));
      }
      calls.add(
          worker.channel.execute(
              Json.of("{\"do\":\"die\"}"), RunningWorker.LONG, ExecutionListener.NONE));

      for (CompletableFuture<ExecutionResult> call : calls) {
        var failed = (ExecutionResult.Failed) call.get(10, TimeUnit.SECONDS);
        assertThat(failed.error().code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
      }
      assertThat(worker.listener.awaitClosed().code()).isEqualTo(ErrorCode.PLUGIN_CRASHED);
      assertThat(worker.channel.execute(Json.of("{}"), RunningWorker.LONG, ExecutionListener.NONE))
          .as("a call that it never had")
          .isNull();
      assertThat(worker.listener.closings).hasValue(1);
    }
  }

  @Test
  void progressAndPartsComeInOrderBeforeTheResult() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var told = Collections.synchronizedList(new ArrayList<String>());
      var listener =
          new ExecutionListener() {
            @Override
            public void onProgress(@Nullable Double fraction, String message) {
              told.add(fraction + " " + message);
            }

            @Override
            public void onPartial(Json value) {
              told.add(value.toString());
            }
          };
      worker
          .channel
          .execute(Json.of("{\"do\":\"progress\"}"), RunningWorker.LONG, listener)
          .thenAccept(r -> told.add("result"))
          .get(10, TimeUnit.SECONDS);

      assertThat(told).containsExactly("0.5 half", "{\"page\":1}", "1.0 done", "result");
    }
  }

  @Test
  void largeValuesTravelInPiecesBothWays() throws Exception {
    ChannelLimits limits = ChannelLimits.DEFAULT.withValueBytes(8 << 20, 8 << 20);
    try (var worker = RunningWorker.of(folder, PLUGIN, limits)) {
      String text = "ä\\\"\n".repeat(1_000_000).replace("\n", "\\n").replace("\\\"", "\\\\");
      String context = "{\"text\":\"" + text + "\"}";

      Json result = worker.execute(context).orThrow().result();

      assertThat(result.length()).isGreaterThan(5_000_000);
      assertThat(
              result.toString().equals("{\"echo\":" + context + ",\"config\":{\"key\":\"value\"}}"))
          .isTrue();
    }
  }

  @Test
  void aResultPastTheLimitFailsItsCallOnly() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      PluginException error = failure(worker, "{\"do\":\"big\",\"size\":600000}");

      assertThat(error.code()).isEqualTo(ErrorCode.PLUGIN_RESULT_TOO_LARGE);
      assertThat(error.getMessage()).contains("1200002 bytes", "1048576");
      // Exactly at the limit it passes, though its frame would be too long.
      var most = (ExecutionResult.Succeeded) worker.execute("{\"do\":\"big\",\"size\":524287}");
      assertThat(most.result().length()).isEqualTo(1 << 20);
    }
  }

  @Test
  void aContextIsCheckedBeforeItIsSent() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      assertThat(failure(worker, "[1]").code()).isEqualTo(ErrorCode.CONTEXT_INVALID);
      String large = "{\"a\":\"" + "x".repeat(1 << 20) + "\"}";
      assertThat(failure(worker, large))
          .hasMessage(
              "Plugin 'dice' (plugin_t) was given a context of 1048584 bytes; the limit is"
                  + " 1048576.");
    }
  }

  /** RUN-15: what a plugin returns that is not JSON fails that call and nothing else. */
  @Test
  void run15ResultAbuse() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      for (String code :
          List.of(
              "float('nan')",
              "[float('inf')]",
              "b'bytes'",
              "{1, 2}",
              "object()",
              "'\\\\ud800'",
              "{'\\\\udfff': 1}",
              "(lambda l: (l.append(l), l)[1])([])",
              "__import__('functools').reduce(lambda a, _: [a], range(64), [])",
              "__import__('functools').reduce(lambda a, _: {'a': a}, range(10000), {})",
              "10 ** 100",
              "[-10 ** 99, 10 ** 5000]",
              "{(1, 2): 3}")) {
        PluginException error = failure(worker, "{\"do\":\"value\",\"code\":\"" + code + "\"}");
        assertThat(error.code()).as(code).isEqualTo(ErrorCode.PLUGIN_BAD_RESULT);
      }
      assertThat(failure(worker, "{\"do\":\"value\",\"code\":\"'x' * 50_000_000\"}").code())
          .isEqualTo(ErrorCode.PLUGIN_RESULT_TOO_LARGE);
      for (String code :
          List.of(
              "__import__('functools').reduce(lambda a, _: [a], range(63), [])",
              "[[]] * 1000",
              "'[' * 1000",
              "'0' * 1000",
              "10 ** 99",
              "1e308",
              "{1: True, None: 0.1}")) {
        assertThat(worker.execute("{\"do\":\"value\",\"code\":\"" + code + "\"}"))
            .as(code)
            .isInstanceOf(ExecutionResult.Succeeded.class);
      }
    }
  }

  @Test
  void tooManyCallsAreRefused() throws Exception {
    ChannelLimits limits = ChannelLimits.DEFAULT.withMaxInFlight(3);
    try (var worker = RunningWorker.of(folder, PLUGIN, limits)) {
      for (int i = 0; i < 3; i++) {
        var _ =
            worker.channel.execute(
                Json.of("{\"do\":\"wait\",\"seconds\":60}"),
                RunningWorker.LONG,
                ExecutionListener.NONE);
      }
      assertThat(failure(worker, "{}"))
          .hasMessage(
              "Plugin 'dice' (plugin_t) has 3 calls under way already. Try again when some have"
                  + " ended.");
      // The host's own questions still pass.
      assertThat(worker.channel.health(RunningWorker.LONG).get(10, TimeUnit.SECONDS))
          .hasToString("{\"status\":\"healthy\"}");
    }
  }

  @Test
  void shutdownCleansUpAndEndsTheProcess() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var cut = new PluginException(ErrorCode.CANCELLED, "cut off");
      var call =
          worker.channel.execute(
              Json.of("{\"do\":\"wait\",\"seconds\":60}"),
              RunningWorker.LONG,
              ExecutionListener.NONE);
      worker.channel.shutdown(RunningWorker.LONG, cut).get(10, TimeUnit.SECONDS);

      assertThat(worker.process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(worker.process.exitValue()).isZero();
      worker.listener.await(line -> line.message().equals("cleaned up"));
      assertThat(worker.listener.awaitClosed()).isSameAs(cut);
      assertThat(call.get(10, TimeUnit.SECONDS))
          .isInstanceOfSatisfying(
              ExecutionResult.Failed.class, failed -> assertThat(failed.error()).isSameAs(cut));
    }
  }

  @Test
  void aWorkerEndsWhenItsChannelDoes() throws Exception {
    try (var worker = RunningWorker.of(folder, PLUGIN)) {
      var call =
          worker.channel.execute(
              Json.of("{\"do\":\"wait\",\"seconds\":60}"),
              RunningWorker.LONG,
              ExecutionListener.NONE);

      worker.channel.close();

      assertThat(worker.process.waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(worker.process.exitValue()).isEqualTo(1);
      assertThat(((ExecutionResult.Failed) call.get(1, TimeUnit.SECONDS)).error().code())
          .isEqualTo(ErrorCode.SHUTTING_DOWN);
      assertThat(worker.listener.closings).hasValue(1);
    }
  }

  @Test
  void aPluginThatDoesNotStartSaysWhy() throws Exception {
    assertStartFails("class P(:", ErrorCode.PLUGIN_SYNTAX_ERROR, "SyntaxError", "main.py, line 1");
    assertStartFails(
        "import no_such_thing",
        ErrorCode.PLUGIN_IMPORT_ERROR,
        "ModuleNotFoundError: No module named 'no_such_thing'");
    assertStartFails("exit()", ErrorCode.PLUGIN_IMPORT_ERROR, "exit");
    assertStartFails(
        "class Other: pass",
        ErrorCode.PLUGIN_CLASS_MISSING,
        "P is not defined in main.py. It defines: Other. Set 'class' in plugin.yaml");
    assertStartFails(
        "from pathlib import Path as P", ErrorCode.PLUGIN_CLASS_MISSING, "It defines no class");
    assertStartFails(
        "class P:\n  def __init__(self, config): pass",
        ErrorCode.PLUGIN_CLASS_MISSING,
        "has no method execute");
    assertStartFails(
        "class P:\n  def __init__(self, config): 1/0\n  def execute(self, c): pass",
        ErrorCode.PLUGIN_START_FAILED,
        "P.__init__ raised ZeroDivisionError");
    assertStartFails(
        "class P:\n  def __init__(self, config): pass\n  def execute(self, c): pass\n"
            + "  async def initialize(self): return False",
        ErrorCode.PLUGIN_START_FAILED,
        "initialize returned False");
    assertStartFails(
        "class P:\n  def __init__(self, config): pass\n  def execute(self, c): pass\n"
            + "  def initialize(self): raise OSError('no key')",
        ErrorCode.PLUGIN_START_FAILED,
        "initialize raised OSError: no key");
  }

  private void assertStartFails(String main, ErrorCode code, String... says) throws Exception {
    try (var worker = RunningWorker.fresh(folder, main, ChannelLimits.DEFAULT)) {
      assertThatThrownBy(() -> worker.initialize().get(30, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .extracting(Throwable::getCause)
          .isInstanceOfSatisfying(
              PluginException.class,
              e -> {
                assertThat(e.code()).isEqualTo(code);
                assertThat(e.getMessage())
                    .startsWith("Plugin 'dice' (plugin_t) did not start: ")
                    .contains(says);
              });
    }
    java.nio.file.Files.delete(folder.resolve("s"));
  }

  private static ExecutionResult.Succeeded value(RunningWorker worker, String code)
      throws Exception {
    return worker.execute("{\"do\":\"value\",\"code\":\"" + code + "\"}").orThrow();
  }

  private static PluginException failure(RunningWorker worker, String context) throws Exception {
    ExecutionResult result = worker.execute(context);
    assertThat(result).isInstanceOf(ExecutionResult.Failed.class);
    return ((ExecutionResult.Failed) result).error();
  }

  private static ExecutionListener onProgress(CountDownLatch latch) {
    return new ExecutionListener() {
      @Override
      public void onProgress(@Nullable Double fraction, String message) {
        latch.countDown();
      }
    };
  }
}
