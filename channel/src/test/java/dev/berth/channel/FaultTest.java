package dev.berth.channel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FaultTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "ValueError: no dice|ValueError|no dice",
        "initialize raised ValueError: no dice|ValueError|no dice",
        "P.__init__ raised KeyError: ValueError: x|KeyError|ValueError: x",
        "initialize raised StopIteration|StopIteration|",
        "StopIteration|StopIteration|",
        "something else|KeyError|something else",
        "initialize returned False||initialize returned False",
      })
  void the_message_is_without_the_exceptions_name(String said, String exception, String message) {
    String name = exception == null ? "" : exception;
    var failed =
        new WorkerMessage.Failed(1, 0, said, "plugin_error", name, List.of(), null, List.of());
    assertThat(Fault.of(ErrorCode.PLUGIN_ERROR, failed).message())
        .isEqualTo(message == null ? "" : message);
  }

  @Test
  void all_of_it_is_bounded() {
    String vast = "x".repeat(1 << 20);
    var fault =
        new Fault(
            ErrorCode.PLUGIN_ERROR, vast, vast, Collections.nCopies(1000, vast), vast + "end");
    assertThat(fault.exception()).hasSize(200);
    assertThat(fault.message()).hasSize(2_000);
    assertThat(fault.frames()).hasSize(16).allMatch(frame -> frame.length() == 200);
    assertThat(fault.traceback()).hasSize(16_384).endsWith("xend");
  }

  @Test
  void more_frames_than_a_worker_sends_are_a_violation() {
    String frames = String.join(",", Collections.nCopies(17, "\"a\""));
    byte[] message =
        ("{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{\"code\":1,\"message\":\"m\",\"data\":{\"frames\":["
                + frames
                + "]}}}")
            .getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> WorkerMessages.read(message, 0, message.length, false))
        .isInstanceOf(PluginException.class)
        .hasMessageContaining("more than 16 frames in an error");
  }
}
