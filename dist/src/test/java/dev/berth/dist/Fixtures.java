package dev.berth.dist;

import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Path;
import java.util.Objects;

/** The plugins of src/test/resources. */
final class Fixtures {
  private Fixtures() {}

  /** The folder {@code plugins/NAME}. */
  static Path plugin(String name) {
    return folder("/plugins/" + name);
  }

  /** The specification's own sample. */
  static Path specSample() {
    return folder("/spec-sample/my-plugin");
  }

  private static Path folder(String resource) {
    URL url = Objects.requireNonNull(Fixtures.class.getResource(resource), resource);
    try {
      return Path.of(url.toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
