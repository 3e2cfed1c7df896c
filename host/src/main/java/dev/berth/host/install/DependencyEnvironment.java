package dev.berth.host.install;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What of the operator's environment uv and pip get: where packages come from and how to get there.
 * Not what would change where or what they install.
 */
final class DependencyEnvironment {
  private static final Set<String> COMMON =
      Set.of(
          "PATH",
          "HOME",
          "NETRC",
          "XDG_CONFIG_HOME",
          "XDG_CONFIG_DIRS",
          "XDG_CACHE_HOME",
          "HTTP_PROXY",
          "HTTPS_PROXY",
          "ALL_PROXY",
          "NO_PROXY",
          "http_proxy",
          "https_proxy",
          "all_proxy",
          "no_proxy",
          "SSL_CERT_FILE",
          "SSL_CERT_DIR",
          "REQUESTS_CA_BUNDLE",
          "CURL_CA_BUNDLE");
  private static final Set<String> PIP_SOURCES =
      Set.of("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS");
  private static final Set<String> PIP =
      Set.of(
          "PIP_CONFIG_FILE",
          "PIP_TRUSTED_HOST",
          "PIP_CERT",
          "PIP_CLIENT_CERT",
          "PIP_PROXY",
          "PIP_DEFAULT_TIMEOUT",
          "PIP_TIMEOUT",
          "PIP_RETRIES",
          "PIP_CACHE_DIR",
          "PIP_NO_CACHE_DIR",
          "PIP_KEYRING_PROVIDER",
          "PIP_CONSTRAINT",
          "PIP_USE_FEATURE");
  private static final List<String> UV_SOURCES =
      List.of("UV_INDEX", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX", "UV_FIND_LINKS");
  private static final Set<String> UV =
      Set.of(
          "UV_CONFIG_FILE",
          "UV_NO_CONFIG",
          "UV_KEYRING_PROVIDER",
          "UV_NATIVE_TLS",
          "UV_SYSTEM_CERTS",
          "UV_INSECURE_HOST",
          "UV_HTTP_TIMEOUT",
          "UV_REQUEST_TIMEOUT",
          "UV_HTTP_RETRIES",
          "UV_OFFLINE",
          "UV_CACHE_DIR",
          "UV_NO_CACHE",
          "UV_CONSTRAINT",
          "UV_EXCLUDE_NEWER",
          "UV_CONCURRENT_DOWNLOADS");

  private final Map<String, String> all;

  /**
   * @param all the host's environment
   */
  DependencyEnvironment(Map<String, String> all) {
    this.all = Map.copyOf(all);
  }

  /** For pip where it may use the index. */
  Map<String, String> forPip() {
    Map<String, String> some = common();
    all.forEach((key, value) -> {
      if (PIP.contains(key) || PIP_SOURCES.contains(key)) {
        some.put(key, value);
      }
    });
    some.put("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    some.put("PIP_NO_INPUT", "1");
    return some;
  }

  /** For pip where all it needs lies in a folder: none of the operator's settings. */
  Map<String, String> forPipOffline() {
    Map<String, String> some = common();
    some.put("PIP_CONFIG_FILE", "/dev/null");
    some.put("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    some.put("PIP_NO_INPUT", "1");
    return some;
  }

  /** For uv. */
  Map<String, String> forUv() {
    Map<String, String> some = common();
    all.forEach((key, value) -> {
      // UV_INDEX_<NAME>_USERNAME and _PASSWORD are among these.
      if (UV.contains(key) || UV_SOURCES.stream().anyMatch(key::startsWith)) {
        some.put(key, value);
      }
    });
    some.put("UV_PYTHON_DOWNLOADS", "never");
    some.put("UV_NO_PROGRESS", "1");
    return some;
  }

  private Map<String, String> common() {
    var some = new HashMap<String, String>();
    COMMON.forEach(key -> {
      String value = all.get(key);
      if (value != null) {
        some.put(key, value);
      }
    });
    some.put("LC_ALL", "C.UTF-8");
    some.put("NO_COLOR", "1");
    return some;
  }

  /** Whether the environment tells pip where packages are. */
  boolean setsPipSource() {
    return PIP_SOURCES.stream().anyMatch(all::containsKey);
  }

  /** Whether the operator told uv anything about where packages are. */
  boolean setsUvSource() {
    String home = all.getOrDefault("XDG_CONFIG_HOME", all.getOrDefault("HOME", "/") + "/.config");
    return all.containsKey("UV_CONFIG_FILE")
        || all.keySet().stream().anyMatch(key -> UV_SOURCES.stream().anyMatch(key::startsWith))
        || Files.exists(Path.of(home, "uv", "uv.toml"))
        || Files.exists(Path.of("/etc/uv/uv.toml"));
  }

  /**
   * The program {@code name} on the PATH, else beside {@code neighbour}; null when it is nowhere.
   */
  @Nullable Path find(String name, Path neighbour) {
    for (String folder : all.getOrDefault("PATH", "").split(":", -1)) {
      if (folder.startsWith("/") && Files.isExecutable(Path.of(folder, name))) {
        return Path.of(folder, name);
      }
    }
    Path beside = neighbour.resolveSibling(name);
    return Files.isExecutable(beside) ? beside : null;
  }
}
