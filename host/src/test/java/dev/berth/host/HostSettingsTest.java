package dev.berth.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class HostSettingsTest {
  @Test
  void the_host_says_the_version_it_is_built_as() throws IOException {
    assertThat(Files.readString(Path.of("pom.xml")))
        .contains(
            "<artifactId>berth</artifactId>\n    <version>" + HostSettings.VERSION + "</version>");
  }
}
