package dev.berth.sandbox;

import dev.berth.api.PluginId;
import dev.berth.api.ResourceLimits;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A process sandbox on a folder of its own, for tests, with packages to run. */
final class Bench implements AutoCloseable {
  static final ResourceLimits LIMITS = new ResourceLimits(128, 1024, 30);

  private final Path data;
  private final ProcessSandbox sandbox;

  private Bench(Path data, ProcessSandbox sandbox) {
    this.data = data;
    this.sandbox = sandbox;
  }

  static Bench open(Path data) {
    return open(ProcessSandboxSettings.of(data).withAllowWeak(!isRoot()));
  }

  static Bench open(Path data, ProcessMode mode) {
    return open(ProcessSandboxSettings.of(data).withAllowWeak(!isRoot()).withMode(mode));
  }

  static Bench open(ProcessSandboxSettings settings) {
    return new Bench(settings.dataDir(), ProcessSandbox.open(settings, worker()));
  }

  static ProcessSandbox.Worker worker() {
    try {
      Path probe = Path.of(Bench.class.getResource("/probe").toURI());
      return new ProcessSandbox.Worker("probe_worker", List.of(probe));
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** For {@code @EnabledIf} and for choosing what to expect. */
  static boolean isRoot() {
    return HostUser.isRoot();
  }

  ProcessSandbox sandbox() {
    return sandbox;
  }

  Path data() {
    return data;
  }

  SandboxSpec spec(int slot, ResourceLimits limits) throws IOException {
    Path workspace = Files.createDirectories(data.resolve("packages/p" + slot));
    Files.writeString(workspace.resolve("main.py"), "VALUE = " + slot + "\n");
    Path site = Files.createDirectories(data.resolve("site/s" + slot));
    return SandboxSpec.of(
        new PluginId("plugin_" + slot),
        1,
        workspace,
        site,
        data.resolve("plugins/" + slot + "/data"),
        slot,
        limits);
  }

  Probe start(int slot) throws IOException {
    return start(slot, LIMITS);
  }

  Probe start(int slot, ResourceLimits limits) throws IOException {
    return new Probe(sandbox.start(spec(slot, limits)));
  }

  @Override
  public void close() {
    sandbox.close();
  }
}
