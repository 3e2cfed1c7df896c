package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of containers, by an engine that only says its version. */
final class ContainersTest {
  @TempDir Path folder;

  @Test
  void a_container_that_ends_with_its_engine_is_told_of_by_the_engine() throws IOException {
    try (FakeEngine fake = new FakeEngine();
        DockerEngine engine = DockerEngine.connect(fake.host());
        RunFolder run = RunFolder.open(folder)) {
      DockerSandboxSettings settings = DockerSandboxSettings.of(folder, Path.of("python3"));
      var containers = new Containers(settings, engine, run, folder);
      assertThat(containers.endedEarly("ended with 1"))
          .hasMessageContaining("its container ended with 1. `berth logs` may say more");
      fake.close();
      PluginException gone = containers.endedEarly("ended with 1");
      assertThat(gone.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE);
      assertThat(gone).hasMessageContaining("Start Docker (systemctl start docker)");
    }
  }
}
