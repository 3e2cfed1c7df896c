package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.PythonInterpreter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * How uv and pip are told to choose wheels for an interpreter that they don't run on: of a
 * container's image, which may have another version and another C library than this machine.
 */
final class DependencyTarget {
  private static final Pattern ABI =
      Pattern.compile("cpython-(3\\d+t?)-([a-z0-9_]+)-linux-(gnu|musl)");
  private static final Pattern GLIBC = Pattern.compile("glibc-2\\.(\\d+).*");

  /** What every glibc is taken to be at least; that of CentOS 7. */
  private static final int OLDEST_GLIBC = 17;

  private static final int OLDEST_GLIBC_X86 = 5;
  private static final int MUSL = 2;

  private final PythonInterpreter python;
  private final String tag;
  private final String machine;
  private final boolean musl;
  private final int glibc;

  /**
   * @throws PluginException {@code dependency_no_wheel} when there are no wheels for such a Python
   */
  DependencyTarget(PythonInterpreter python) {
    Matcher abi = ABI.matcher(python.abi());
    if (!abi.matches()) {
      throw new PluginException(
          ErrorCode.DEPENDENCY_NO_WHEEL,
          "The plugin has dependencies, and the Python of its image ("
              + python.abi()
              + ") is not one that wheels can be chosen for. Use an image with CPython.");
    }
    this.python = python;
    this.tag = abi.group(1);
    this.machine = abi.group(2);
    this.musl = abi.group(3).equals("musl");
    Matcher version = GLIBC.matcher(python.libc());
    this.glibc = version.matches() ? Integer.parseInt(version.group(1)) : OLDEST_GLIBC;
  }

  /** For {@code pip download} and {@code pip install}. */
  List<String> forPip() {
    List<String> options =
        new ArrayList<>(
            List.of(
                "--python-version",
                python.version(),
                "--implementation",
                "cp",
                "--abi",
                "cp" + tag));
    for (String platform : platforms()) {
      options.add("--platform");
      options.add(platform);
    }
    return options;
  }

  /** Newest first, which is what pip prefers. */
  private List<String> platforms() {
    List<String> platforms = new ArrayList<>();
    if (musl) {
      for (int minor = MUSL; minor >= 0; minor--) {
        platforms.add("musllinux_1_" + minor + "_" + machine);
      }
    } else {
      boolean x86 = machine.equals("x86_64");
      for (int minor = glibc; minor >= (x86 ? OLDEST_GLIBC_X86 : OLDEST_GLIBC); minor--) {
        platforms.add("manylinux_2_" + minor + "_" + machine);
      }
      platforms.add("manylinux2014_" + machine);
      if (x86) {
        platforms.add("manylinux2010_x86_64");
        platforms.add("manylinux1_x86_64");
      }
    }
    platforms.add("linux_" + machine);
    return platforms;
  }

  /** For {@code uv pip compile} and {@code uv pip install}. */
  List<String> forUv() {
    return List.of("--python-version", python.version(), "--python-platform", uvPlatform());
  }

  private String uvPlatform() {
    if (musl) {
      return machine + "-unknown-linux-musl";
    }
    // The ones uv knows.
    int known = glibc >= 31 ? Math.min(glibc, 40) : glibc >= 28 ? 28 : OLDEST_GLIBC;
    return machine + "-manylinux_2_" + known;
  }

  /** What pip takes from the interpreter that runs it, whatever it is told; see PEP 508. */
  Map<String, String> markers() {
    Map<String, String> markers = new LinkedHashMap<>();
    markers.put("python_version", python.version().replaceFirst("\\.\\d+$", ""));
    markers.put("python_full_version", python.version());
    markers.put("implementation_version", python.version());
    markers.put("implementation_name", "cpython");
    markers.put("platform_python_implementation", "CPython");
    markers.put("platform_machine", machine);
    return markers;
  }
}
