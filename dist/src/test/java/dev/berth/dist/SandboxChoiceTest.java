package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.sandbox.Sandbox;
import dev.berth.sandbox.SandboxProcess;
import dev.berth.sandbox.SandboxSpec;
import java.util.List;
import org.junit.jupiter.api.Test;

final class SandboxChoiceTest {
  private record Named(String name) implements Sandbox {
    @Override
    public Isolation isolation() {
      return new Isolation(name, List.of(), List.of());
    }

    @Override
    public SandboxProcess start(SandboxSpec spec, Runnable underWay) {
      throw new IllegalStateException("not asked for");
    }

    @Override
    public void close() {}
  }

  private static Sandbox refused(ErrorCode code) {
    throw new PluginException(code, "no namespaces");
  }

  private static boolean notAsked() {
    throw new IllegalStateException("the engine was asked for nothing");
  }

  @Test
  void processes_where_they_work_and_the_engine_is_not_even_asked() {
    Sandbox chosen =
        SandboxChoice.auto(
            () -> new Named("process"), SandboxChoiceTest::notAsked, () -> new Named("docker"));
    assertThat(chosen.isolation().kind()).isEqualTo("process");
  }

  @Test
  void containers_where_they_do_not_and_an_engine_has_the_image() {
    Sandbox chosen =
        SandboxChoice.auto(
            () -> refused(ErrorCode.SANDBOX_UNAVAILABLE), () -> true, () -> new Named("docker"));
    assertThat(chosen.isolation().kind()).isEqualTo("docker");
  }

  @Test
  void else_what_is_wrong_with_processes() {
    assertThatThrownBy(() ->
            SandboxChoice.auto(
                () -> refused(ErrorCode.SANDBOX_UNAVAILABLE),
                () -> false,
                () -> new Named("docker")))
        .hasMessage("no namespaces");
    assertThatThrownBy(() ->
            SandboxChoice.auto(
                () -> refused(ErrorCode.INTERNAL),
                SandboxChoiceTest::notAsked,
                () -> new Named("docker")))
        .hasMessage("no namespaces");
  }
}
