package dev.berth.host.manifest;

import dev.berth.api.Text;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** How a plugin, its module and its class may be called. */
final class NameRules {
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{1,62}");
  private static final Pattern CLASS = Pattern.compile("[A-Za-z_][A-Za-z0-9_]{0,63}");
  private static final Pattern PATH_STEP = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}");

  /** Names that mean the host itself, or a device on some systems. */
  private static final Set<String> RESERVED =
      Set.of(
          "admin", "root", "system", "core", "host", "berth", "plugin", "plugins", "api", "con",
          "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
          "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9");

  private static final Set<String> PYTHON_WORDS =
      Set.of(
          "False",
          "None",
          "True",
          "and",
          "as",
          "assert",
          "async",
          "await",
          "break",
          "class",
          "continue",
          "def",
          "del",
          "elif",
          "else",
          "except",
          "finally",
          "for",
          "from",
          "global",
          "if",
          "import",
          "in",
          "is",
          "lambda",
          "nonlocal",
          "not",
          "or",
          "pass",
          "raise",
          "return",
          "try",
          "while",
          "with",
          "yield");

  private NameRules() {}

  /** What is wrong with {@code name} as a plugin's name; null when nothing is. */
  static @Nullable String problem(String name) {
    if (RESERVED.contains(name.toLowerCase(Locale.ROOT))) {
      return "\"" + Text.printable(name, 80) + "\" is reserved; choose another name";
    }
    if (NAME.matcher(name).matches()) {
      return null;
    }
    String near =
        name.length() > 63
            ? ""
            : name.toLowerCase(Locale.ROOT)
                .replaceAll("[\\s_.]+", "-")
                .replaceAll("[^a-z0-9-]", "");
    return "expected 2 to 63 lower-case letters, digits or hyphens, a letter first, got \""
        + Text.printable(name, 80)
        + "\""
        + (NAME.matcher(near).matches() && !RESERVED.contains(near)
            ? "; \"" + near + "\" would do"
            : "");
  }

  /** What is wrong with {@code className}; null when nothing is. */
  static @Nullable String classProblem(String className) {
    String got = "\"" + Text.printable(className, 80) + "\"";
    if (!CLASS.matcher(className).matches() || PYTHON_WORDS.contains(className)) {
      return "expected the name of a Python class such as MyPlugin, got " + got;
    }
    if (className.startsWith("__")) {
      return got + " is a name that Python keeps for itself; expected a class such as MyPlugin";
    }
    return null;
  }

  /** What is wrong with {@code main} as a path in a package; null when nothing is. */
  static @Nullable String mainProblem(String main) {
    String got = "got \"" + Text.printable(main, 100) + "\"";
    String expected = "expected a path inside the package such as main.py or src/main.py, ";
    if (main.startsWith("/") || main.contains("\\") || main.length() > 200) {
      return expected + got;
    }
    for (String step : main.split("/", -1)) {
      if (!PATH_STEP.matcher(step).matches() || step.contains("..")) {
        return expected + got;
      }
    }
    return main.endsWith(".py") ? null : "expected a Python file, ending in .py, " + got;
  }

  /** The Python files of a package that {@code wanted} may have meant, for a message. */
  static String pythonFiles(String wanted, Collection<String> files) {
    List<String> python =
        files.stream()
            .filter(file -> file.endsWith(".py") && file.length() <= 80)
            .sorted()
            .toList();
    if (python.isEmpty()) {
      return "; it has no Python file";
    }
    String hint = Spelling.hint(wanted, python);
    List<String> shown = python.subList(0, Math.min(5, python.size()));
    return hint.isEmpty()
        ? "; it has " + String.join(", ", shown) + (python.size() > 5 ? " and others" : "")
        : hint;
  }
}
