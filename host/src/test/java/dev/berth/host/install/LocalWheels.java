package dev.berth.host.install;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** Indexes of one wheel, for the tests of other rooms. */
public final class LocalWheels {
  private LocalWheels() {}

  /**
   * Makes a wheel with one module, whose {@code VERSION} is its version.
   *
   * @return an operator's environment in which packages come from there alone
   */
  public static Map<String, String> of(Path folder, String name, String version) throws Exception {
    var wheels = new Wheels(folder.resolve("wheels"));
    Path _ = wheels.wheel(name, version);
    return Tool.PIP.from(wheels.folder(), home(folder));
  }

  /** An index of such a wheel, which is honest at first. */
  public static LoopbackIndex index(Path folder, String name, String version) throws Exception {
    var wheels = new Wheels(folder.resolve("wheels"));
    Path _ = wheels.wheel(name, version);
    return new LoopbackIndex(wheels.folder(), LoopbackIndex.Manner.HONEST);
  }

  /** An operator's environment in which packages come from {@code index} alone, and soon. */
  public static Map<String, String> from(LoopbackIndex index, Path folder) throws Exception {
    return Tool.UV.at(index.url(), home(folder));
  }

  private static Path home(Path folder) throws IOException {
    return Files.createDirectories(folder.resolve("home"));
  }
}
