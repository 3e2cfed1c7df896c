package dev.berth.host.manifest;

import dev.berth.api.Text;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One Python requirement by PEP 508, without the forms that name a place to download from.
 *
 * @param name the project, lower case, with single hyphens (PEP 503)
 * @param text as it was written, white space around it left out
 * @see <a href="https://peps.python.org/pep-0508/">PEP 508</a>
 */
public record Requirement(String name, String text) {
  private static final int MAX_LENGTH = 300;

  private static final Pattern HEAD =
      Pattern.compile(
          "([A-Za-z0-9](?:[A-Za-z0-9._-]{0,98}[A-Za-z0-9])?)[ \\t]*"
              + "(?:\\[([A-Za-z0-9._, \\t-]*)\\])?[ \\t]*(.*)");
  private static final Pattern EXTRA = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?");

  /** A version with its letters in the spellings PEP 440 allows. */
  private static final String VERSION =
      "v?([0-9]{1,9}!)?[0-9]{1,20}(\\.[0-9]{1,20}){0,10}"
          + "([-_.]?(alpha|beta|preview|pre|rc|a|b|c)[-_.]?[0-9]{0,9})?"
          + "(-[0-9]{1,9}|[-_.]?(post|rev|r)[-_.]?[0-9]{0,9})?([-_.]?dev[-_.]?[0-9]{0,9})?"
          + "(\\+[a-z0-9]{1,40}([-_.][a-z0-9]{1,40}){0,5})?";

  private static final Pattern CLAUSE =
      Pattern.compile(
          "((==|!=)\\s*" + VERSION + "(\\.\\*)?|(~=|<=|>=|<|>|===)\\s*" + VERSION + ")",
          Pattern.CASE_INSENSITIVE);

  private static final Pattern MARKER_TOKEN =
      Pattern.compile(
          "\\s*(\\(|\\)|<=|>=|===|==|~=|!=|<|>|not\\s+in\\b|in\\b|and\\b|or\\b|[a-z_]+"
              + "|'[^'\\\\]*'|\"[^\"\\\\]*\")");
  private static final Set<String> MARKER_OPERATORS =
      Set.of("<=", ">=", "===", "==", "~=", "!=", "<", ">", "in", "not in");
  private static final Set<String> MARKER_VARIABLES =
      Set.of(
          "python_version",
          "python_full_version",
          "os_name",
          "sys_platform",
          "platform_release",
          "platform_system",
          "platform_version",
          "platform_machine",
          "platform_python_implementation",
          "implementation_name",
          "implementation_version",
          "extra");

  /**
   * @throws IllegalArgumentException when {@code text} is no such requirement; the message says why
   */
  public static Requirement parse(String text) {
    String requirement = text.strip();
    String got = "got \"" + Text.printable(requirement, 80) + "\"";
    String expected = "expected a requirement such as requests>=2.31.0, ";
    if (requirement.length() > MAX_LENGTH) {
      throw new IllegalArgumentException(expected + "at most " + MAX_LENGTH + " characters");
    }
    if (requirement.startsWith("-")) {
      throw new IllegalArgumentException(
          "options are not taken, only requirements such as requests>=2.31.0; " + got);
    }
    Matcher head = HEAD.matcher(requirement);
    if (requirement.startsWith(".") || requirement.contains("/") || requirement.contains("\\")) {
      throw new IllegalArgumentException(
          "paths and URLs are not taken, for packages come from the operator's index; " + got);
    }
    if (!head.matches()) {
      throw new IllegalArgumentException(expected + got);
    }
    checkExtras(head.group(2), expected, got);
    String rest = head.group(3);
    if (rest.startsWith("@")) {
      throw new IllegalArgumentException(
          "paths and URLs are not taken, for packages come from the operator's index; " + got);
    }
    int semicolon = rest.indexOf(';');
    checkClauses(semicolon < 0 ? rest : rest.substring(0, semicolon), expected, got);
    if (semicolon >= 0 && !new Marker(rest.substring(semicolon + 1)).isValid()) {
      throw new IllegalArgumentException(
          "expected a condition such as ; python_version < \"3.11\" after the semicolon, " + got);
    }
    String name = head.group(1).toLowerCase(Locale.ROOT).replaceAll("[-_.]+", "-");
    return new Requirement(name, requirement);
  }

  private static void checkExtras(String extras, String expected, String got) {
    if (extras == null || extras.isBlank()) {
      return;
    }
    for (String extra : extras.split(",", -1)) {
      if (!EXTRA.matcher(extra.strip()).matches()) {
        throw new IllegalArgumentException(expected + got);
      }
    }
  }

  private static void checkClauses(String versions, String expected, String got) {
    String clauses = versions.strip();
    if (clauses.startsWith("(") && clauses.endsWith(")")) {
      clauses = clauses.substring(1, clauses.length() - 1);
    }
    if (clauses.isBlank()) {
      return;
    }
    for (String clause : clauses.split(",", -1)) {
      if (!CLAUSE.matcher(clause.strip()).matches()) {
        String doubled =
            clause.strip().matches("=[^=].*") ? "; an exact version is written ==" : "";
        throw new IllegalArgumentException(expected + got + doubled);
      }
    }
  }

  /**
   * Reads {@code or := and ("or" and)*; and := term ("and" term)*; term := "(" or ")" | a op b}.
   */
  private static final class Marker {
    private final Matcher tokens;
    private String token = "";
    private boolean broken;

    Marker(String text) {
      tokens = MARKER_TOKEN.matcher(text.stripTrailing());
      advance();
    }

    boolean isValid() {
      or();
      return !broken && token.isEmpty();
    }

    private void advance() {
      token = "";
      if (tokens.regionStart() == tokens.regionEnd()) {
        return;
      }
      if (tokens.lookingAt()) {
        token = tokens.group(1).replaceAll("\\s+", " ");
        tokens.region(tokens.end(), tokens.regionEnd());
      } else {
        broken = true;
      }
    }

    private void or() {
      and();
      while (token.equals("or") && !broken) {
        advance();
        and();
      }
    }

    private void and() {
      term();
      while (token.equals("and") && !broken) {
        advance();
        term();
      }
    }

    private void term() {
      if (token.equals("(")) {
        advance();
        or();
        broken |= !token.equals(")");
        advance();
        return;
      }
      value();
      broken |= !MARKER_OPERATORS.contains(token);
      advance();
      value();
    }

    private void value() {
      boolean quoted = token.startsWith("'") || token.startsWith("\"");
      broken |= !quoted && !MARKER_VARIABLES.contains(token);
      advance();
    }
  }
}
