package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ExecutionResult;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A machine on which no sandbox can be made for a while. */
@Timeout(120)
class HostTroubleTest extends HostTestBase {
  private static final String MAIN =
      """
      import os

      class P:
          def __init__(self, config): pass
          async def execute(self, context):
              if context: os._exit(3)
              return "here"
      """;

  private long failedStarts(PluginId id) {
    return host.plugins.logs(id, 0, 1000).stream()
        .filter(record -> record.message().contains("machine's trouble, not the plugin's"))
        .count();
  }

  @Test
  void a_plugin_is_not_given_up_for_the_hosts_trouble_and_comes_back_by_itself()
      throws IOException {
    PluginId id = enabled(Archives.plugin("here", "1.0.0", MAIN));
    Path volumes = folder.resolve("data/volumes");
    Path away = Files.move(volumes, folder.resolve("away"));
    Files.writeString(volumes, "in the way");
    assertThat(host.call(id, "{\"die\":1}")).isInstanceOf(ExecutionResult.Failed.class);
    while (failedStarts(id) < 5 && host.plugins.info(id).state() instanceof PluginState.Enabled) {
      Thread.onSpinWait(); // it is tried every 50 ms
    }
    assertThat(host.plugins.info(id).state()).isInstanceOf(PluginState.Enabled.class);
    Files.delete(volumes);
    Files.move(away, volumes);
    while (!(host.call(id, "{}") instanceof ExecutionResult.Succeeded)) {
      Thread.onSpinWait();
    }
    assertThat(host.result(id, "{}")).isEqualTo("\"here\"");
  }
}
