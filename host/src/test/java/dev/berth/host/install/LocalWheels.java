package dev.berth.host.install;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** An index of one wheel, for the tests of other rooms. */
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
    return Tool.PIP.from(wheels.folder(), Files.createDirectories(folder.resolve("home")));
  }
}
