package dev.berth.host.install;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.berth.sandbox.PythonInterpreter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** uv or pip, and the environment that has the host use it. */
enum Tool {
  PIP,
  UV;

  /** The interpreter that tests install for. */
  static final PythonInterpreter PYTHON = PythonInterpreter.find();

  private static @Nullable Path uv;

  /** An operator's environment in which packages come from {@code folder} alone. */
  Map<String, String> from(Path folder, Path home) throws Exception {
    Map<String, String> environment = bare(home);
    if (this == PIP) {
      environment.put("PIP_NO_INDEX", "1");
      environment.put("PIP_FIND_LINKS", folder.toString());
    } else {
      Path config = home.resolve("uv.toml");
      Files.writeString(config, "no-index = true\nfind-links = ['" + folder + "']\n");
      environment.put("UV_CONFIG_FILE", config.toString());
    }
    return environment;
  }

  /** The same with the index at {@code url}, asked once. */
  Map<String, String> at(String url, Path home) throws Exception {
    Map<String, String> environment = bare(home);
    environment.put(this == PIP ? "PIP_INDEX_URL" : "UV_DEFAULT_INDEX", url);
    environment.put(this == PIP ? "PIP_RETRIES" : "UV_HTTP_RETRIES", "0");
    return environment;
  }

  /** With the public index, set up as for this process. */
  Map<String, String> open(Path home) throws Exception {
    Map<String, String> environment = bare(home);
    System.getenv()
        .forEach((key, value) -> {
          if ((key.startsWith("PIP_") && !key.equals("PIP_FIND_LINKS"))
              || key.startsWith("UV_")
              || key.startsWith("SSL_")
              || key.toLowerCase(java.util.Locale.ROOT).endsWith("_proxy")) {
            environment.putIfAbsent(key, value);
          }
        });
    return environment;
  }

  private Map<String, String> bare(Path home) throws Exception {
    var environment = new HashMap<String, String>();
    String path = "/usr/bin:/bin";
    if (this == UV) {
      path = uv().getParent() + ":" + path;
    }
    environment.put("PATH", path);
    environment.put("HOME", home.toString());
    return environment;
  }

  /** uv from the PATH, else installed for the tests once per build folder. */
  private static synchronized Path uv() throws Exception {
    if (uv != null) {
      return uv;
    }
    for (String folder : System.getenv("PATH").split(":", -1)) {
      if (Files.isExecutable(Path.of(folder, "uv")) && runs(folder + "/uv", "--version")) {
        uv = Path.of(folder, "uv");
        return uv;
      }
    }
    Path own = Path.of("target", "test-tools", "uv").toAbsolutePath();
    if (!Files.isExecutable(own.resolve("bin/uv"))) {
      boolean made =
          runs(
              PYTHON.executable().toString(),
              "-I",
              "-m",
              "pip",
              "install",
              "--quiet",
              "--only-binary=:all:",
              "--target",
              own.toString(),
              "uv");
      if (!made) {
        System.out.println("SKIPPED: uv is not installed and can't be fetched from the index");
      }
      assumeTrue(made, "uv is not installed and can't be fetched from the index");
    }
    uv = own.resolve("bin/uv");
    return uv;
  }

  private static boolean runs(String... command) throws IOException, InterruptedException {
    return new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start()
            .waitFor()
        == 0;
  }

  /** Runs Python code and returns what it printed. */
  static String python(Map<String, String> environment, String... arguments)
      throws IOException, InterruptedException {
    var command = new java.util.ArrayList<String>();
    command.add(PYTHON.executable().toString());
    command.addAll(java.util.List.of(arguments));
    var builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().putAll(environment);
    Process process = builder.start();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
    return process.waitFor() == 0 ? output : "exit " + process.waitFor() + ": " + output;
  }
}
