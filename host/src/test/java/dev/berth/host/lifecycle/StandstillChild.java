package dev.berth.host.lifecycle;

import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.Plugin;
import dev.berth.api.StatusFilter;
import dev.berth.channel.WorkerChannels;
import dev.berth.host.store.JournalObserver;
import dev.berth.sandbox.ProcessSandbox;
import dev.berth.sandbox.ProcessSandboxSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A host of its own process with some plugins, for its parent to stop and let go on. */
final class StandstillChild {
  private static final String WELL =
      """
      import asyncio

      class P:
          def __init__(self, config): pass
          async def execute(self, context):
              await asyncio.sleep(context.get("for", 0))
              return {}
          def health_check(self): return {"status": "healthy"}
      """;

  private StandstillChild() {}

  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    Timings brisk = HostFixture.BRISK;
    var timings =
        new Timings(
            brisk.start(),
            brisk.drain(),
            brisk.shutdown(),
            brisk.exitReason(),
            brisk.busy(),
            Duration.ofMillis(200),
            Duration.ofMillis(800),
            brisk.restarts());
    try (var sandbox =
            ProcessSandbox.open(
                ProcessSandboxSettings.of(folder.resolve("sandbox")).withAllowWeak(true));
        var host =
            new HostFixture(
                folder.resolve("data"),
                sandbox,
                new Lifecycle.Parts(
                    timings, WorkerChannels::open, JournalObserver.NONE, System.getenv()))) {
      for (int i = 0; i < 5; i++) {
        Plugin plugin =
            host.plugins.install(Archives.plugin("well-" + i, "1.0.0", WELL).packed(folder));
        host.plugins.enable(plugin.id());
      }
      List<CompletableFuture<ExecutionResult>> calls = new ArrayList<>();
      for (Plugin plugin : host.plugins.list(StatusFilter.ALL)) {
        calls.add(
            host.plugins.executeAsync(
                new ExecutionRequest(
                    plugin.id(),
                    Json.of("{\"for\":1}"),
                    Duration.ofSeconds(2),
                    ExecutionListener.NONE)));
      }
      System.out.println("ready");
      int _ = System.in.read(); // The parent has had its way.
      calls.forEach(CompletableFuture::join);
      int restarts = 0;
      int answered = 0;
      for (Plugin plugin : host.plugins.list(StatusFilter.ALL)) {
        host.host.rooms().plugins().get(plugin.tenant(), plugin.id()).health().check().join();
        if (host.call(plugin.id(), "{}") instanceof ExecutionResult.Succeeded) {
          answered++;
        }
        restarts += host.plugins.stats(plugin.id()).restarts();
      }
      System.out.println("restarts " + restarts + " answered " + answered);
    }
  }
}
