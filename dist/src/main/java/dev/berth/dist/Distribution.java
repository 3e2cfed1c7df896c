package dev.berth.dist;

import dev.berth.api.AccessKeys;
import dev.berth.api.ErrorCode;
import dev.berth.api.HostReport;
import dev.berth.api.PluginException;
import dev.berth.cli.LocalOperations;
import dev.berth.host.BerthHost;
import dev.berth.sandbox.Doctor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Stream;

/** What this distribution can do on the spot. */
final class Distribution implements LocalOperations {
  @Override
  public Served serve(ServeOptions options) {
    return Boot.start(options);
  }

  @Override
  public <T> T withKeys(Path data, Function<AccessKeys, T> work) {
    return BerthHost.withKeys(data, work);
  }

  @Override
  public HostReport examine(Path data, Map<String, String> environment) {
    return Doctor.examine(data, environment);
  }

  @Override
  public List<Path> examples() {
    Path folder = Path.of(System.getProperty("berth.home", ".")).resolve("examples");
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(e -> Files.exists(e.resolve("plugin.yaml"))).sorted().toList();
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.NOT_FOUND, "The example plugins are not in " + folder + ".", e);
    }
  }
}
