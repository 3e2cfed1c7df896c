package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ResourceLimits;
import dev.berth.cli.Hosting;
import dev.berth.host.HostSettings;
import dev.berth.sandbox.Ceilings;
import dev.berth.sandbox.DockerSandboxSettings;
import dev.berth.sandbox.ProcessSandboxSettings;
import dev.berth.server.ServerSettings;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** What holds where the operator says nothing is the same in every place that has a word for it. */
final class DefaultsTest {
  private static final Path HERE = Path.of(".");

  @Test
  void every_door_has_the_same_maxima() {
    Hosting.Maxima said = Hosting.DEFAULT.maxima();
    var process = ProcessSandboxSettings.of(HERE);
    var docker = DockerSandboxSettings.of(HERE, HERE);
    var host = HostSettings.Limits.DEFAULT;
    var most = new ResourceLimits(said.memoryMb(), said.cpuShares(), said.timeoutSeconds());
    assertThat(most)
        .isEqualTo(host.maximum())
        .isEqualTo(process.maximum())
        .isEqualTo(docker.maximum());
    assertThat(said.cpus())
        .isEqualTo(Ceilings.DEFAULT.cpus())
        .isEqualTo(process.ceilings().cpus())
        .isEqualTo(docker.ceilings().cpus());
    assertThat(said.pids())
        .isEqualTo(Ceilings.DEFAULT.pids())
        .isEqualTo(process.ceilings().pids())
        .isEqualTo(docker.ceilings().pids());
    assertThat((long) said.dataMb() << 20).isEqualTo(host.dataBytes());
    assertThat((long) Hosting.DEFAULT.egress().hourlyMb() << 20)
        .isEqualTo(HostSettings.Egress.DEFAULT.hourlyBytes());
    assertThat(ServerSettings.of("127.0.0.1", 0, HERE).maxUploadBytes())
        .isEqualTo(host.uploadBytes());
  }
}
