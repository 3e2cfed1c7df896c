package dev.berth.host.manifest;

import dev.berth.api.Text;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * {@code python_requires}: which Pythons will do.
 *
 * @see <a href="https://peps.python.org/pep-0440/#version-specifiers">PEP 440</a>
 */
public final class PythonVersions {
  private static final int MAX_LENGTH = 200;
  private static final Pattern CLAUSE =
      Pattern.compile(
          "\\s*(~=|==|!=|<=|>=|<|>)\\s*([0-9]{1,6}(?:\\.[0-9]{1,6}){0,5})"
              + "((?:a|b|rc)[0-9]{1,6})?(\\.\\*)?\\s*");
  private static final Pattern VERSION =
      Pattern.compile("([0-9]{1,6}(?:\\.[0-9]{1,6}){0,5})((?:a|b|rc)[0-9]{1,6})?\\+?");

  private PythonVersions() {}

  /**
   * Whether {@code version} is one that {@code specifiers} asks for. As pip does, a pre-release
   * counts where it lies in the range.
   *
   * @param specifiers e.g. {@code >=3.9,<3.14}; empty lets every version through
   * @param version as {@code platform.python_version()} gives it, e.g. {@code 3.11.7} or {@code
   *     3.14.0rc1}
   * @throws IllegalArgumentException when either is not of that form
   */
  public static boolean satisfies(String specifiers, String version) {
    String problem = problem(specifiers);
    Matcher python = VERSION.matcher(version);
    if (problem != null || !python.matches()) {
      throw new IllegalArgumentException(
          problem != null ? problem : "not a Python version: " + Text.printable(version, 60));
    }
    var actual = Release.of(python.group(1), python.group(2));
    return clauses(specifiers).stream().allMatch(clause -> clause.holdsFor(actual));
  }

  /** What is wrong with {@code specifiers}; null when nothing is. */
  static @Nullable String problem(String specifiers) {
    String expected = "expected Python versions such as \">=3.9\" or \">=3.9,<3.14\", ";
    if (specifiers.length() > MAX_LENGTH) {
      return expected + "at most " + MAX_LENGTH + " characters";
    }
    if (specifiers.isBlank()) {
      return null;
    }
    for (String part : specifiers.split(",", -1)) {
      Matcher clause = CLAUSE.matcher(part);
      if (!clause.matches()) {
        return expected + "got \"" + Text.printable(part.strip(), 60) + "\"";
      }
      boolean equality = clause.group(1).equals("==") || clause.group(1).equals("!=");
      if (clause.group(4) != null && (!equality || clause.group(3) != null)) {
        return expected + "and .* goes with == and != only, got \"" + part.strip() + "\"";
      }
      if (clause.group(1).equals("~=") && clause.group(2).indexOf('.') < 0) {
        return expected + "and ~= needs two numbers or more, got \"" + part.strip() + "\"";
      }
    }
    return null;
  }

  private static List<Clause> clauses(String specifiers) {
    List<Clause> clauses = new ArrayList<>();
    if (!specifiers.isBlank()) {
      for (String part : specifiers.split(",", -1)) {
        Matcher clause = CLAUSE.matcher(part);
        if (clause.matches()) {
          clauses.add(
              new Clause(
                  clause.group(1),
                  Release.of(clause.group(2), clause.group(3)),
                  clause.group(4) != null));
        }
      }
    }
    return clauses;
  }

  private record Clause(String operator, Release wanted, boolean prefix) {
    boolean holdsFor(Release actual) {
      int order = actual.compareTo(wanted);
      return switch (operator) {
        case "==" -> prefix ? actual.startsWith(wanted) : order == 0;
        case "!=" -> prefix ? !actual.startsWith(wanted) : order != 0;
        case "<=" -> order <= 0;
        case ">=" -> order >= 0;
        // PEP 440: 3.14.0rc1 is not < 3.14, unless that is itself a pre-release.
        case "<" -> order < 0 && !(wanted.isFinal() && actual.sameNumbers(wanted));
        case ">" -> order > 0;
        case "~=" -> order >= 0 && actual.startsWith(wanted.withoutLast());
        default -> throw new IllegalStateException(operator);
      };
    }
  }

  /**
   * @param stage {@code a}, {@code b}, {@code rc} as 0, 1, 2; 3 for a final release
   */
  private record Release(List<Integer> numbers, int stage, int stageNumber)
      implements Comparable<Release> {
    static Release of(String numbers, @Nullable String pre) {
      List<Integer> parts = Arrays.stream(numbers.split("\\.")).map(Integer::valueOf).toList();
      if (pre == null) {
        return new Release(parts, 3, 0);
      }
      int stage = pre.startsWith("a") ? 0 : pre.startsWith("b") ? 1 : 2;
      return new Release(parts, stage, Integer.parseInt(pre.replaceAll("[a-z]", "")));
    }

    boolean isFinal() {
      return stage == 3;
    }

    private int number(int i) {
      return i < numbers.size() ? numbers.get(i) : 0;
    }

    boolean startsWith(Release prefix) {
      for (int i = 0; i < prefix.numbers.size(); i++) {
        if (number(i) != prefix.number(i)) {
          return false;
        }
      }
      return true;
    }

    boolean sameNumbers(Release other) {
      return startsWith(other) && other.startsWith(this);
    }

    Release withoutLast() {
      return new Release(numbers.subList(0, numbers.size() - 1), 3, 0);
    }

    @Override
    public int compareTo(Release other) {
      for (int i = 0; i < Math.max(numbers.size(), other.numbers.size()); i++) {
        if (number(i) != other.number(i)) {
          return Integer.compare(number(i), other.number(i));
        }
      }
      return stage != other.stage
          ? Integer.compare(stage, other.stage)
          : Integer.compare(stageNumber, other.stageNumber);
    }
  }
}
