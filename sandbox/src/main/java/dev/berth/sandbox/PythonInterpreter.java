package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A Python that plugins can run on.
 *
 * @param executable the file itself: no link, no launcher script
 * @param version e.g. {@code 3.11.7}
 * @param abi what compiled modules are made for, e.g. {@code cpython-311-x86_64-linux-gnu}
 * @param libc of another machine's or image's interpreter, e.g. {@code glibc-2.36}; empty where it
 *     isn't told, as for those of this machine, whose tools know it themselves
 */
public record PythonInterpreter(Path executable, String version, String abi, String libc) {
  private static final int OLDEST_MINOR = 9;
  private static final Pattern VERSIONED = Pattern.compile("python3\\.(\\d{1,4})");

  public PythonInterpreter(Path executable, String version, String abi) {
    this(executable, version, abi, "");
  }

  /** What compiled modules for it depend on. */
  public String platform() {
    return libc.isEmpty() ? abi : abi + "-" + libc;
  }

  /** Whether bytecode that this one compiles is what {@code other} reads. */
  public boolean compilesFor(PythonInterpreter other) {
    return abi.equals(other.abi)
        && version.replaceFirst("\\.\\d+$", "").equals(other.version.replaceFirst("\\.\\d+$", ""));
  }

  /** The same with its C library. */
  PythonInterpreter withLibc(String name) {
    return new PythonInterpreter(executable, version, abi, name);
  }

  // The suffix of extension modules holds the ABI and needs no module outside the interpreter,
  // which sysconfig does: Debian's python3-minimal lacks parts of that.
  private static final String QUESTION =
      """
      import sys, importlib.machinery as m
      print('berth', sys.implementation.name, *sys.version_info[:3])
      print(m.EXTENSION_SUFFIXES[0])
      print(sys.executable)
      """;

  /**
   * Asks {@code python} what it is.
   *
   * @throws PluginException {@code sandbox_unavailable} when it does not run or is older than 3.9
   */
  public static PythonInterpreter probe(Path python) {
    List<String> answer;
    try {
      answer = ask(python);
    } catch (IOException e) {
      throw unusable(python, "does not run (" + e.getMessage() + ")");
    }
    PythonInterpreter told = told(answer, python);
    try {
      return new PythonInterpreter(told.executable().toRealPath(), told.version(), told.abi());
    } catch (IOException e) {
      throw unusable(python, "names a file that isn't there, " + answer.get(2));
    }
  }

  /**
   * What the question's answer says.
   *
   * @param python what was asked, for messages
   * @throws PluginException {@code sandbox_unavailable} when it is no answer, or older than 3.9
   */
  static PythonInterpreter told(List<String> answer, Path python) {
    String[] version = answer.isEmpty() ? new String[0] : answer.get(0).split(" ", -1);
    if (answer.size() != 3 || version.length != 5 || !version[0].equals("berth")) {
      throw unusable(
          python,
          "does not answer as a Python does ("
              + Text.printable(String.join(" ", answer), 200)
              + ")");
    }
    int major = Integer.parseInt(version[2]);
    int minor = Integer.parseInt(version[3]);
    String number = major + "." + minor + "." + version[4];
    if (major != 3 || minor < OLDEST_MINOR) {
      throw unusable(python, "is Python " + number);
    }
    return new PythonInterpreter(
        Path.of(answer.get(2)), number, abi(version[1], minor, answer.get(1)));
  }

  /** {@code .cpython-311-x86_64-linux-gnu.so} without its ends, or the like where it has none. */
  private static String abi(String implementation, int minor, String suffix) {
    String middle = suffix.replaceFirst("^\\.", "").replaceFirst("\\.?[a-z]+$", "");
    return middle.isEmpty()
        ? implementation + "-3" + minor + "-" + System.getProperty("os.arch")
        : middle;
  }

  private static List<String> ask(Path python) throws IOException {
    Process process =
        new ProcessBuilder(python.toString(), "-I", "-S", "-c", QUESTION)
            .directory(Path.of("/").toFile())
            .redirectErrorStream(true)
            .start();
    try {
      process.getOutputStream().close();
      if (!process.waitFor(10, TimeUnit.SECONDS)) {
        throw new IOException("no answer within 10 s");
      }
      // Longer than a pipe holds is no answer to this question, and would have waited till now.
      return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
          .lines()
          .toList();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } finally {
      process.destroyForcibly();
    }
  }

  /**
   * The first {@code python3} on the PATH that is one of at least 3.9, else the newest {@code
   * python3.N}.
   *
   * @throws PluginException {@code sandbox_unavailable} when there is none
   */
  public static PythonInterpreter find() {
    return find(System.getenv());
  }

  static PythonInterpreter find(Map<String, String> environment) {
    List<Path> folders =
        Arrays.stream(environment.getOrDefault("PATH", "").split(":", -1))
            .filter(folder -> folder.startsWith("/"))
            .map(Path::of)
            .toList();
    var refused = new ArrayList<String>();
    return folders.stream()
        .map(folder -> folder.resolve("python3"))
        .flatMap(python -> usable(python, refused))
        .findFirst()
        .or(() -> versioned(folders).flatMap(python -> usable(python, refused)).findFirst())
        .orElseThrow(() -> none(refused));
  }

  /** {@code python3.N} in the folders, the newest first, whichever there are. */
  private static Stream<Path> versioned(List<Path> folders) {
    return folders.stream()
        .flatMap(PythonInterpreter::files)
        .filter(file -> minor(file) >= OLDEST_MINOR)
        .sorted(Comparator.comparingInt(PythonInterpreter::minor).reversed());
  }

  private static Stream<Path> files(Path folder) {
    try (Stream<Path> all = Files.list(folder)) {
      return all.toList().stream();
    } catch (IOException | UncheckedIOException e) {
      return Stream.empty(); // PATH may name what isn't there, or may not be looked into
    }
  }

  /** Of a file's name; -1 where that is none. */
  private static int minor(Path file) {
    Matcher name = VERSIONED.matcher(String.valueOf(file.getFileName()));
    return name.matches() ? Integer.parseInt(name.group(1)) : -1;
  }

  /** The one behind this file, or none, with the reason among those of others. */
  private static Stream<PythonInterpreter> usable(Path python, List<String> refused) {
    if (!Files.isExecutable(python)) {
      return Stream.empty();
    }
    try {
      return Stream.of(probe(python));
    } catch (PluginException e) {
      refused.add(e.getMessage());
      return Stream.empty();
    }
  }

  private static PluginException none(List<String> refused) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        "No Python 3."
            + OLDEST_MINOR
            + " or newer is on the PATH. Install python3, or put a newer one first on it."
            + (refused.isEmpty() ? "" : " " + refused.getFirst()));
  }

  private static PluginException unusable(Path python, String why) {
    return new PluginException(
        ErrorCode.SANDBOX_UNAVAILABLE,
        python + " " + why + "; plugins need Python 3." + OLDEST_MINOR + " or newer.");
  }
}
