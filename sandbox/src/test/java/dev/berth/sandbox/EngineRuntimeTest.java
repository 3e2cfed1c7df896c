package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.ResourceLimits;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Which runtime of the engine's is tried, and what is told of one that is of no use. */
@Timeout(60)
final class EngineRuntimeTest {
  @TempDir Path folder;
  private FakeEngine fake;
  private final List<String> made = new CopyOnWriteArrayList<>();

  @BeforeEach
  void open() throws IOException {
    fake = new FakeEngine();
    fake.has("usual:1");
    fake.on("GET /containers/json", FakeEngine.json("[]"));
    fake.on(
        "POST /containers/create",
        exchange -> {
          made.add(new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8));
          FakeEngine.json("{\"Id\":\"c\"}").handle(exchange);
        });
    fake.on( // of a runtime that lets no worker connect
        "GET /containers/c/json",
        FakeEngine.json("{\"State\":{\"Running\":false,\"ExitCode\":1}}"));
  }

  @AfterEach
  void close() {
    fake.close();
  }

  private Isolation isolation(String runtime, String runtimes) {
    fake.on("GET /info", FakeEngine.json("{\"Runtimes\":" + runtimes + "}"));
    var settings =
        new DockerSandboxSettings(
            folder,
            fake.host(),
            "usual:1",
            runtime,
            false,
            PythonInterpreter.find().executable(),
            0,
            true,
            new ResourceLimits(4096, 4096, 3600),
            Ceilings.DEFAULT);
    try (DockerSandbox sandbox = DockerSandbox.open(settings)) {
      return sandbox.isolation();
    }
  }

  @Test
  void runsc_is_tried_where_the_engine_has_it_and_left_where_no_worker_comes_up_in_it() {
    Isolation found = isolation("", "{\"runc\":{},\"runsc\":{}}");
    assertThat(made).filteredOn(body -> body.contains("\"Runtime\":\"runsc\"")).hasSize(1);
    assertThat(found.enforced()).doesNotContain("kernel_of_its_own");
    assertThat(found.findings())
        .filteredOn(finding -> finding.name().equals("docker_runsc"))
        .singleElement()
        .satisfies(finding ->
            assertThat(finding.toString())
                .contains("the engine has runsc, which is not used")
                .contains("runsc --host-uds=open"));
  }

  @Test
  void it_is_not_even_tried_where_the_engine_has_not_got_it() {
    Isolation found = isolation("", "{\"runc\":{}}");
    assertThat(made).noneMatch(body -> body.contains("runsc"));
    assertThat(found.enforced()).doesNotContain("kernel_of_its_own");
    assertThat(found.findings()).noneMatch(finding -> finding.name().equals("docker_runsc"));
  }

  @Test
  void one_that_is_asked_for_must_do() {
    String runtimes = "{\"runc\":{},\"own\":{\"path\":\"/usr/local/bin/runsc\"}}";
    assertThatThrownBy(() -> isolation("own", runtimes))
        .isInstanceOfSatisfying(
            PluginException.class,
            e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_UNAVAILABLE))
        .hasMessageContaining("no worker comes up below its runtime own")
        .hasMessageContaining("runsc --host-uds=open")
        .hasMessageContaining("--docker-runtime runc");
    assertThat(isolation("runc", runtimes).enforced()).doesNotContain("kernel_of_its_own");
    assertThatThrownBy(() -> isolation("kata", runtimes))
        .hasMessageContaining("no runtime kata, only runc, own");
  }

  @Test
  void where_it_is_the_default_nothing_else_is_left_to_use() {
    assertThatThrownBy(() ->
            isolation("", "{\"runsc\":{\"path\":\"runsc\"}},\"DefaultRuntime\":\"runsc\",\"x\":{}"))
        .hasMessageContaining("no worker comes up below its runtime runsc");
  }
}
