package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StandstillTest {
  @TempDir Path folder;

  @Test
  void CRA_11_a_host_that_was_stopped_takes_no_plugin_for_dead() throws Exception {
    Process host = ChildJvm.start(StandstillChild.class, folder.toString());
    try (BufferedReader said = host.inputReader()) {
      assertThat(said.readLine()).isEqualTo("ready");
      signal("-STOP", host);
      // Longer than a call's time, and than three health checks may take.
      assertThat(host.waitFor(4, TimeUnit.SECONDS)).isFalse();
      signal("-CONT", host);
      host.getOutputStream().write('\n');
      host.getOutputStream().flush();
      assertThat(said.readLine()).isEqualTo("restarts 0 answered 5");
    } finally {
      host.destroyForcibly();
    }
  }

  private static void signal(String signal, Process process) throws Exception {
    Process kill =
        new ProcessBuilder("kill", signal, Long.toString(process.pid())).inheritIO().start();
    assertThat(kill.waitFor()).isZero();
  }
}
