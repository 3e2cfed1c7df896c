package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.InstallProgress;
import dev.berth.api.InstallSource;
import dev.berth.api.Json;
import dev.berth.api.Plugin;
import dev.berth.api.PluginException;
import dev.berth.api.PluginService;
import dev.berth.api.PluginState;
import dev.berth.api.StatusFilter;
import dev.berth.channel.ChannelLoop;
import dev.berth.channel.SelectorLoop;
import dev.berth.host.BerthHost;
import dev.berth.host.HostSettings;
import dev.berth.sandbox.ProcessSandbox;
import dev.berth.sandbox.ProcessSandboxSettings;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.Sandbox;
import java.nio.file.Path;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** docs/EMBEDDER.md, run. */
class EmbeddingTest {
  private static final String MAIN =
      """
      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              return {"success": True, "heard": context["message"], "version": VERSION}
      """;

  @TempDir Path folder;

  @Test
  void a_jvm_program_installs_runs_updates_and_removes_a_plugin() {
    Path data = folder.resolve("data");
    Path python = PythonInterpreter.find().executable();
    Path first = Pack.plugin(folder, "dice", "1.0.0", "", MAIN.replace("VERSION", "1"));
    Path second = Pack.plugin(folder, "dice", "2.0.0", "", MAIN.replace("VERSION", "2"));
    try (ChannelLoop loop = new SelectorLoop();
        Sandbox sandbox =
            ProcessSandbox.open(ProcessSandboxSettings.of(data).withPython(python.toString()));
        BerthHost host = BerthHost.open(HostSettings.defaults(data, python), sandbox, loop)) {
      PluginService plugins = host.service();

      Plugin dice = plugins.install(new InstallSource.Archive(first));
      assertThat(dice.state()).isEqualTo(new PluginState.Installed());
      plugins.enable(dice.id());

      var request = new ExecutionRequest(dice.id(), Json.of("{\"message\":\"/roll 2d6\"}"));
      ExecutionResult answer = plugins.execute(request);
      assertThat(answer).isInstanceOf(ExecutionResult.Succeeded.class);
      assertThat(answer.orThrow().result().toString())
          .isEqualTo("{\"success\":true,\"heard\":\"/roll 2d6\",\"version\":1}");

      assertThat(plugins.list(StatusFilter.ENABLED)).hasSize(1);
      plugins.update(dice.id(), new InstallSource.Archive(second), InstallProgress.NONE);
      assertThat(plugins.execute(request).orThrow().result().toString()).contains("\"version\":2");

      plugins.disable(dice.id());
      assertThat(plugins.execute(request))
          .isInstanceOfSatisfying(
              ExecutionResult.Failed.class,
              failed -> assertThat(failed.error().code()).isEqualTo(ErrorCode.PLUGIN_NOT_ENABLED));
      plugins.uninstall(dice.id());
      Assertions.assertThatThrownBy(() -> plugins.info(dice.id()))
          .isInstanceOfSatisfying(
              PluginException.class,
              e -> assertThat(e.code()).isEqualTo(ErrorCode.PLUGIN_NOT_FOUND));
      assertThat(plugins.list(StatusFilter.ALL)).isEmpty();
    }
  }
}
