package dev.berth.host.manifest;

import dev.berth.api.Text;
import java.util.regex.Pattern;

/**
 * What an unquoted YAML scalar is. Null, booleans and numbers are those of JSON, in YAML 1.2's core
 * spelling of the words. What YAML 1.1 readers (PyYAML among them) take for something other than
 * text is {@link #AMBIGUOUS} and taken for nothing: its author must say which by quoting it.
 *
 * @see <a href="https://yaml.org/spec/1.2.2/#103-core-schema">YAML 1.2.2, core schema</a>
 * @see <a href="https://yaml.org/type/">YAML 1.1 types</a>
 */
enum PlainScalar {
  TEXT,
  NULL,
  BOOLEAN,
  INTEGER,
  NUMBER,
  AMBIGUOUS;

  private static final Pattern NULLS = Pattern.compile("|~|null|Null|NULL");
  private static final Pattern BOOLEANS = Pattern.compile("true|True|TRUE|false|False|FALSE");
  private static final Pattern INTEGERS = Pattern.compile("-?(0|[1-9][0-9]*)");
  private static final Pattern NUMBERS =
      Pattern.compile("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][-+]?[0-9]+)?");
  private static final Pattern WORDS_1_1 =
      Pattern.compile("yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF|=|<<");
  private static final Pattern NUMBERS_ELSEWHERE =
      Pattern.compile(
          "[-+]?(0[xX][0-9a-fA-F_]+|0o[0-7_]+|0[bB][01_]+"
              + "|[0-9][0-9_]*(:[0-5]?[0-9])*(\\.[0-9_]*)?([eE][-+]?[0-9]+)?"
              + "|\\.[0-9][0-9_]*([eE][-+]?[0-9]+)?|\\.(inf|Inf|INF|nan|NaN|NAN))");
  private static final Pattern DATES =
      Pattern.compile("[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt \\t].*)?");

  static PlainScalar of(String text) {
    if (NULLS.matcher(text).matches()) {
      return NULL;
    }
    if (BOOLEANS.matcher(text).matches()) {
      return BOOLEAN;
    }
    if (INTEGERS.matcher(text).matches()) {
      return INTEGER;
    }
    if (NUMBERS.matcher(text).matches()) {
      return NUMBER;
    }
    boolean ambiguous =
        WORDS_1_1.matcher(text).matches()
            || NUMBERS_ELSEWHERE.matcher(text).matches()
            || DATES.matcher(text).matches();
    return ambiguous ? AMBIGUOUS : TEXT;
  }

  String describe(String text) {
    String shown = Text.printable(text, 60);
    return switch (this) {
      case TEXT -> "the text \"" + shown + "\"";
      case NULL -> text.isEmpty() ? "nothing" : shown + ", which is null";
      case BOOLEAN -> "the boolean " + shown;
      case INTEGER, NUMBER -> "the number " + shown;
      case AMBIGUOUS -> shown + ", which YAML readers disagree about";
    };
  }
}
