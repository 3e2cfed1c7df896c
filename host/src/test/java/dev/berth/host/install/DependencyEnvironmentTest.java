package dev.berth.host.install;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DependencyEnvironmentTest {
  /** What an operator may have set to say where packages come from. */
  private static final List<String> SOURCES =
      List.of(
          "PIP_INDEX_URL",
          "PIP_EXTRA_INDEX_URL",
          "PIP_CONFIG_FILE",
          "PIP_CERT",
          "UV_DEFAULT_INDEX",
          "UV_INDEX_PRIVATE_PASSWORD",
          "UV_CONFIG_FILE");

  /** What would change what is installed or where, or is none of the tools' business. */
  private static final List<String> OTHERS =
      List.of(
          "PIP_TARGET",
          "PIP_PREFIX",
          "PIP_USER",
          "PIP_REQUIREMENT",
          "PIP_NO_BINARY",
          "PIP_ONLY_BINARY",
          "PIP_NO_DEPS",
          "PIP_PYTHON",
          "UV_NO_BINARY",
          "UV_TARGET",
          "UV_PYTHON",
          "UV_LINK_MODE",
          "PYTHONPATH",
          "PYTHONSTARTUP",
          "LD_PRELOAD",
          "BERTH_API_KEY",
          "AWS_SECRET_ACCESS_KEY");

  @TempDir Path home;

  @Test
  void the_tools_get_where_packages_are_and_nothing_else() {
    var all = new HashMap<String, String>();
    SOURCES.forEach(key -> all.put(key, "set"));
    OTHERS.forEach(key -> all.put(key, "set"));
    all.putAll(Map.of("PATH", "/bin", "HOME", home.toString(), "HTTPS_PROXY", "http://p"));
    var environment = new DependencyEnvironment(all);
    for (var given :
        List.of(environment.forPip(), environment.forUv(), environment.forPipOffline())) {
      assertThat(given).doesNotContainKeys(OTHERS.toArray(String[]::new));
      assertThat(given).containsEntry("PATH", "/bin").containsEntry("HTTPS_PROXY", "http://p");
    }
    assertThat(environment.forPip())
        .containsKeys("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "PIP_CERT");
    assertThat(environment.forUv())
        .containsKeys("UV_DEFAULT_INDEX", "UV_INDEX_PRIVATE_PASSWORD", "UV_CONFIG_FILE");
    assertThat(environment.forPipOffline())
        .containsEntry("PIP_CONFIG_FILE", "/dev/null")
        .doesNotContainKeys("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS");
  }

  @Test
  void a_program_is_looked_for_on_the_path_and_beside_the_interpreter() {
    Path sh = Path.of("/bin/sh");
    assertThat(new DependencyEnvironment(Map.of("PATH", "bin::/bin")).find("sh", home))
        .isEqualTo(sh);
    assertThat(new DependencyEnvironment(Map.of()).find("sh", Path.of("/bin/python3")))
        .isEqualTo(sh);
    assertThat(new DependencyEnvironment(Map.of("PATH", ".")).find("sh", home)).isNull();
  }
}
