package dev.berth.host.lifecycle;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.api.ErrorCode;
import dev.berth.api.ExecutionListener;
import dev.berth.api.ExecutionRequest;
import dev.berth.api.ExecutionResult;
import dev.berth.api.Json;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import dev.berth.api.PluginService;
import dev.berth.api.StatusFilter;
import dev.berth.api.TenantId;
import dev.berth.channel.SelectorLoop;
import dev.berth.channel.WorkerChannels;
import dev.berth.host.HostSettings;
import dev.berth.host.store.JournalObserver;
import dev.berth.sandbox.PythonInterpreter;
import dev.berth.sandbox.Sandbox;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.json.JsonMapper;

/** A whole host on a data folder, with a sandbox of the test's choice. */
final class HostFixture implements AutoCloseable {
  /** As in earnest, but for the waits that a test would only sit through. */
  static final Timings BRISK =
      new Timings(
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(2),
          Timings.DEFAULT.exitReason(),
          Duration.ofSeconds(2),
          Duration.ofMillis(200),
          Duration.ofSeconds(5),
          new RestartPolicy.Limits(
              Duration.ofMillis(50),
              Duration.ofMillis(500),
              Duration.ofSeconds(60),
              5,
              Duration.ofSeconds(60),
              3,
              Duration.ofMillis(500)));

  /** Is found when it is first wanted: looking takes several processes. */
  private static final class Python {
    static final Path HERE = PythonInterpreter.find().executable();
  }

  final Path data;
  final Sandbox sandbox;
  final SelectorLoop loop = new SelectorLoop();
  final Lifecycle host;
  final PluginService plugins;

  HostFixture(Path data, Sandbox sandbox) {
    this(
        data,
        sandbox,
        new Lifecycle.Parts(BRISK, WorkerChannels::open, JournalObserver.NONE, System.getenv()));
  }

  HostFixture(Path data, Sandbox sandbox, Lifecycle.Parts parts) {
    this.data = data;
    this.sandbox = sandbox;
    this.host = Lifecycle.open(HostSettings.defaults(data, python()), sandbox, loop, parts);
    this.plugins = host.service(TenantId.DEFAULT);
  }

  /** The interpreter that hosts of the tests use. */
  static Path python() {
    return Python.HERE;
  }

  ExecutionResult call(PluginId id, String context) {
    return plugins.execute(new ExecutionRequest(id, Json.of(context)));
  }

  ExecutionResult call(PluginId id, String context, Duration timeout) {
    return plugins.execute(
        new ExecutionRequest(id, Json.of(context), timeout, ExecutionListener.NONE));
  }

  /** What a call that must succeed gives. */
  String result(PluginId id, String context) {
    return call(id, context).orThrow().result().toString();
  }

  PluginException failure(PluginId id, String context) {
    return ((ExecutionResult.Failed) call(id, context)).error();
  }

  static ErrorCode code(Throwable thrown) {
    return ((PluginException) thrown).code();
  }

  /**
   * INV-REG: what the registry has is what is on disk and in the readable copy, no more and no
   * less; and no operation is open.
   */
  void assertConsistent() {
    var rows = host.rooms().store().registry().all();
    assertThat(host.rooms().store().journal().open()).isEmpty();
    assertThat(names("packages"))
        .isEqualTo(rows.stream().map(row -> row.packageDigest()).collect(Collectors.toSet()));
    assertThat(host.rooms().catalog().packages().digests()).isEqualTo(names("packages"));
    for (String digest : names("packages")) {
      host.rooms().catalog().packages().verify(digest);
    }
    assertThat(host.rooms().dependencies().locks())
        .isEqualTo(host.rooms().store().registry().locksInUse());
    Set<String> ids = rows.stream().map(row -> row.id().value()).collect(Collectors.toSet());
    assertThat(ids).containsAll(names("volumes"));
    assertThat(names("trash")).isEmpty();
    assertThat(plugins.list(StatusFilter.ALL))
        .extracting(plugin -> plugin.id().value())
        .containsExactlyInAnyOrderElementsOf(ids);
    host.rooms().copy().write();
    assertThat(copied()).isEqualTo(ids);
  }

  private Set<String> copied() {
    var json = JsonMapper.builder().build().readTree(data.resolve("plugins/manifest.json"));
    var ids = new TreeSet<String>();
    json.get("plugins").forEach(plugin -> ids.add(plugin.get("id").stringValue()));
    return ids;
  }

  private Set<String> names(String folder) {
    if (!Files.isDirectory(data.resolve(folder))) {
      return Set.of();
    }
    try (Stream<Path> entries = Files.list(data.resolve(folder))) {
      return entries
          .map(entry -> String.valueOf(entry.getFileName()))
          .filter(name -> !name.startsWith("."))
          .collect(Collectors.toCollection(TreeSet::new));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    host.close();
    loop.close();
  }
}
