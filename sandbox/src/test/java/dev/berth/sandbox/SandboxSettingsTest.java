package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Numbers that no sandbox could work with are refused by name, the same for either kind. */
final class SandboxSettingsTest {
  private static final Path DATA = Path.of("data");

  @Test
  void a_number_of_parked_ones_below_nothing() {
    String message = "parked must be at least 0, and is -1.";
    assertThatThrownBy(() -> ProcessSandboxSettings.of(DATA).withParked(-1)).hasMessage(message);
    assertThatThrownBy(() -> DockerSandboxSettings.of(DATA, DATA).withParked(-1))
        .hasMessage(message);
  }

  @Test
  void ceilings_that_leave_nothing_to_run_in() {
    assertThatThrownBy(() -> Ceilings.DEFAULT.with(1, 7))
        .hasMessage("pids must be at least 8, and is 7.");
    assertThatThrownBy(() -> Ceilings.DEFAULT.with(0, 8))
        .hasMessage("cpus must be a number above 0, and is 0.0.");
    assertThatThrownBy(() -> Ceilings.DEFAULT.with(Double.NaN, 8)).hasMessageContaining("NaN");
  }
}
