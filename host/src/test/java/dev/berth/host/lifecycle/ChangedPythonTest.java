package dev.berth.host.lifecycle;

import static dev.berth.host.lifecycle.HostTestBase.refused;
import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginState;
import dev.berth.api.TenantId;
import dev.berth.api.WorkerState;
import dev.berth.channel.WorkerChannels;
import dev.berth.host.install.LocalWheels;
import dev.berth.host.install.LoopbackIndex;
import dev.berth.host.store.JournalObserver;
import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Plugins whose dependencies were locked for a Python that the host had before. */
@Timeout(120)
class ChangedPythonTest {
  private static final PythonInterpreter BEFORE =
      new PythonInterpreter(
          Path.of("/inside/python3"), "3.8.20", "cpython-38-x86_64-linux-gnu", "glibc-2.31");

  private static final String MAIN =
      """
      import berth_numbers

      class P:
          def __init__(self, config): pass
          def execute(self, context): return berth_numbers.VERSION
      """;

  @TempDir Path folder;

  private PlainSandbox sandbox;
  private LoopbackIndex index;
  private HostFixture host;

  @BeforeEach
  void open() throws Exception {
    sandbox = new PlainSandbox(folder);
    sandbox.python = BEFORE;
    index = LocalWheels.index(folder, "berth_numbers", "1.5");
    host = start();
  }

  private HostFixture start() throws Exception {
    return new HostFixture(
        folder.resolve("data"),
        sandbox,
        new Lifecycle.Parts(
            HostFixture.BRISK,
            WorkerChannels::open,
            JournalObserver.NONE,
            LocalWheels.from(index, folder)));
  }

  /** The next host runs plugins on its own Python. */
  private void changePython(LoopbackIndex.Manner manner) throws Exception {
    index.turn(manner);
    restartOn(null);
  }

  private void restartOn(@Nullable PythonInterpreter python) throws Exception {
    host.close();
    sandbox.python = python;
    host = start();
  }

  @AfterEach
  void close() {
    host.close();
    sandbox.close();
    index.close();
  }

  private PluginId install(String name, String requirement) {
    return host.plugins
        .install(
            Archives.plugin(name, "1.0.0", MAIN)
                .manifest("dependencies:\n  - " + requirement)
                .packed(folder))
        .id();
  }

  /** One that the next host has to start. */
  private PluginId toBeStarted(String name) {
    PluginId id = install(name, "berth-numbers>=1");
    host.host
        .rooms()
        .store()
        .registry()
        .setState(TenantId.DEFAULT, id, new PluginState.Enabled(), Instant.now());
    return id;
  }

  @Test
  void what_only_the_new_one_requires_is_had_for_it() throws Exception {
    PluginId id = install("lottery", "berth-numbers; python_version >= '3.9'");
    changePython(LoopbackIndex.Manner.HONEST);
    host.plugins.enable(id);
    assertThat(host.result(id, "{}")).isEqualTo("\"1.5\"");
    host.assertConsistent();
  }

  private long failedStarts(PluginId id) {
    return host.plugins.logs(id, 0, 1000).stream()
        .filter(record -> record.message().contains("index doesn't answer"))
        .count();
  }

  @Test
  void an_index_that_does_not_answer_is_told_and_all_is_well_once_it_does() throws Exception {
    PluginId id = toBeStarted("lottery");
    changePython(LoopbackIndex.Manner.FAILING);
    String own = PythonInterpreter.probe(HostFixture.python()).platform();
    assertThat(own).isNotEqualTo(BEFORE.platform());
    while (failedStarts(id) < 4) {
      Thread.onSpinWait(); // Three in a row would be too many for a plugin's fault.
    }
    assertThat(host.plugins.info(id).state()).isEqualTo(new PluginState.Enabled());
    String[] said = {
      "lottery (" + id + ") runs on " + own + " now",
      "locked for " + BEFORE.platform(),
      "The dependency berth-numbers>=1 can't be looked up",
      "then try again",
      "the Python or the image that it had"
    };
    PluginException call = host.failure(id, "{}");
    assertThat(call.code()).isEqualTo(ErrorCode.DEPENDENCY_INDEX_UNREACHABLE);
    assertThat(call.getMessage()).contains(said);
    PluginException enable = refused(() -> host.plugins.enable(id));
    assertThat(enable.code()).isEqualTo(ErrorCode.DEPENDENCY_INDEX_UNREACHABLE);
    assertThat(enable.getMessage()).contains(said);
    restartOn(BEFORE);
    assertThat(host.result(id, "{}")).isEqualTo("\"1.5\"");
    long failed = failedStarts(id);
    restartOn(null);
    while (failedStarts(id) <= failed) {
      Thread.onSpinWait();
    }
    index.turn(LoopbackIndex.Manner.HONEST);
    while (!(host.plugins.info(id).worker() instanceof WorkerState.Running)) {
      Thread.onSpinWait();
    }
    assertThat(host.result(id, "{}")).isEqualTo("\"1.5\"");
    host.assertConsistent();
  }

  @Test
  void an_index_that_hangs_keeps_no_other_plugin_waiting_and_nobody_who_gives_up()
      throws Exception {
    // As many as may start at once, and one more.
    List<PluginId> hanging = new ArrayList<>();
    for (int i = 0; i <= Math.max(2, Runtime.getRuntime().availableProcessors()); i++) {
      hanging.add(toBeStarted("hangs-" + i));
    }
    PluginId plain = host.plugins.install(Archives.echo("plain", "1.0.0").packed(folder)).id();
    host.plugins.enable(plain);
    changePython(LoopbackIndex.Manner.SILENT);
    index.awaitQuestion();
    assertThat(host.result(plain, "{}")).contains("1.0.0");
    for (PluginId id : hanging) {
      host.plugins.disable(id);
      assertThat(host.plugins.info(id).state()).isEqualTo(new PluginState.Disabled());
    }
    assertThat(working()).isEmpty();
    host.plugins.uninstall(hanging.getFirst());
  }

  /** Folders of uv and pip that are at work. */
  private List<Path> working() throws IOException {
    try (Stream<Path> all = Files.list(folder.resolve("data/site"))) {
      return all.filter(path -> path.getFileName().toString().startsWith(".")).toList();
    }
  }
}
