package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * One requirement by name, as PEP 508 has it: a name, extras, versions, a marker. Links, paths,
 * included files and options are refused: what is installed comes from the operator's index alone.
 *
 * @param text as its author wrote it, comment left out
 * @param name normalized as by PEP 503
 */
record DependencyRequirement(String text, String name) {
  private static final int MAX_LENGTH = 500;
  private static final int MAX_COUNT = 200;
  private static final String NAME = "[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?";
  private static final String CLAUSE = "(?:===|~=|==|!=|<=|>=|<|>)\\s*[A-Za-z0-9.*+!_-]+";
  private static final String CLAUSES = CLAUSE + "(?:\\s*,\\s*" + CLAUSE + ")*\\s*,?";
  private static final Pattern FORM =
      Pattern.compile(
          ("(?<name>" + NAME + ")\\s*")
              + ("(?:\\[\\s*(?:" + NAME + "\\s*(?:,\\s*" + NAME + "\\s*)*)?\\]\\s*)?")
              + ("(?:\\(\\s*" + CLAUSES + "\\s*\\)|" + CLAUSES + ")?\\s*")
              // Environment markers compare names with quoted strings; nothing more is let through.
              + "(?:;[A-Za-z0-9_.'\"()<>=!~, \\t+*-]+)?");
  private static final Pattern COMMENT = Pattern.compile("(?:^|\\s)#.*");

  /**
   * Parses lines as they stand in a manifest or a requirements file. Empty ones and comments count
   * for nothing, the same twice for once.
   *
   * @throws PluginException {@code dependency_invalid}, naming the line
   */
  static List<DependencyRequirement> parseAll(List<String> lines) {
    var requirements = new ArrayList<DependencyRequirement>();
    for (String line : lines) {
      String text = COMMENT.matcher(line).replaceFirst("").strip();
      if (text.isEmpty()) {
        continue;
      }
      var requirement = parse(text);
      if (!requirements.contains(requirement)) {
        requirements.add(requirement);
      }
    }
    if (requirements.size() > MAX_COUNT) {
      throw new PluginException(
          ErrorCode.DEPENDENCY_INVALID,
          "The plugin has " + requirements.size() + " dependencies; " + MAX_COUNT + " at most.");
    }
    return List.copyOf(requirements);
  }

  private static DependencyRequirement parse(String text) {
    var form = FORM.matcher(text);
    if (text.length() > MAX_LENGTH || !form.matches()) {
      throw new PluginException(
          ErrorCode.DEPENDENCY_INVALID,
          "The dependency '"
              + Text.printable(text, 100)
              + "' is not of the form 'name>=1.0' (PEP 508). Links, paths, other files and options"
              + " are not taken: everything comes from the operator's package index.");
    }
    return new DependencyRequirement(text, normalize(form.group("name")));
  }

  /** The one spelling of a project's name (PEP 503). */
  static String normalize(String name) {
    return name.replaceAll("[-_.]+", "-").toLowerCase(Locale.ROOT);
  }
}
