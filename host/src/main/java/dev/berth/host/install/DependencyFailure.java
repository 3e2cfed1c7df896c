package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.Text;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** What uv or pip printed before it failed, as an error for the operator. */
final class DependencyFailure {
  private static final Pattern FULL = any("No space left on device", "Disk quota exceeded");
  // pip's retries are not among these but the last: what came after an earlier one counts.
  private static final Pattern UNREACHABLE =
      any(
          "Retry\\(total=0",
          "Max retries exceeded",
          "Could not fetch URL (?!.*\\b404\\b)",
          "HTTP error (?:401|403|407|5\\d\\d)",
          "Credentials not correct",
          "ReadTimeoutError",
          "ConnectTimeoutError",
          "IncompleteRead",
          "Failed to fetch",
          "Failed to download",
          "error sending request",
          "Request failed after",
          "network connectivity is disabled");
  private static final Pattern NO_WHEEL =
      any(
          "no usable wheels",
          "no wheels? with a matching",
          "building from source is disabled",
          "Skipping link: No sources permitted for",
          "Skipping link: none of the wheel's tags");
  private static final Pattern BAD_HASH =
      any("DO NOT MATCH THE HASHES", "hash(?:es)? mismatch", "no longer match the hashes");
  private static final Pattern VERDICT =
      any("No matching distribution found", "conclude that your requirements are unsatisfiable");
  private static final Pattern SOME_ERROR = Pattern.compile("^\\s*(?:ERROR|error|cause)\\s*:.*");
  private static final Pattern NAMED =
      Pattern.compile(
          "(?:satisfies the requirement|distribution found for|Cannot install)"
              + " ([A-Za-z0-9._-]*[A-Za-z0-9])");
  private static final Pattern CREDENTIALS = Pattern.compile("://[^/@\\s]*@");
  private static final int QUOTED = 400;

  private DependencyFailure() {}

  /**
   * @param tool its name
   * @param lines what it printed
   * @param requirements what it was asked for
   * @param abi the interpreter it was asked for
   */
  static PluginException of(
      String tool, List<String> lines, List<DependencyRequirement> requirements, String abi) {
    List<String> named = named(lines, requirements);
    String which =
        named.isEmpty()
            ? "The dependencies "
                + requirements.stream()
                    .map(DependencyRequirement::text)
                    .collect(Collectors.joining(", "))
            : "The dependency " + String.join(", ", named);
    ErrorCode code = ErrorCode.DEPENDENCY_UNRESOLVABLE;
    String message;
    Pattern telling = VERDICT;
    if (has(lines, FULL)) {
      code = ErrorCode.DISK_FULL;
      telling = FULL;
      message = which + " can't be installed: the disk is full. Free some space.";
    } else if (has(lines, BAD_HASH)) {
      telling = BAD_HASH;
      message =
          which
              + " can't be installed: a file from the package index is not the one it announced."
              + " Look at the index and at proxies before it.";
    } else if (has(lines, UNREACHABLE)) {
      code = ErrorCode.DEPENDENCY_INDEX_UNREACHABLE;
      telling = UNREACHABLE;
      message =
          which
              + " can't be looked up: the package index doesn't answer. Look at the network and at"
              + " the index that "
              + tool
              + " is set to, then try again.";
    } else if (has(lines, NO_WHEEL) && !has(lines, Pattern.compile("from versions: [^n)]"))) {
      code = ErrorCode.DEPENDENCY_NO_WHEEL;
      message =
          which
              + " has no wheel for "
              + abi
              + ", and nothing is built from source here. Use a version or a package that has one.";
    } else {
      message =
          which
              + " can't be resolved: no set of versions that have wheels for "
              + abi
              + " fits all requirements. Correct the requirement, or look at the package index"
              + " that "
              + tool
              + " is set to.";
    }
    String said = Text.printable(withoutCredentials(quote(lines, telling)), QUOTED);
    return new PluginException(
        code,
        said.isEmpty() ? message : message + " " + tool + " says: " + said,
        Map.of("requirements", named, "tool", tool),
        null);
  }

  /** The requirements that the tool names, as their author wrote them. */
  private static List<String> named(List<String> lines, List<DependencyRequirement> requirements) {
    for (String line : lines.reversed()) {
      var name = NAMED.matcher(line);
      if (name.find()) {
        String project = DependencyRequirement.normalize(name.group(1));
        List<String> texts =
            requirements.stream()
                .filter(requirement -> requirement.name().equals(project))
                .map(DependencyRequirement::text)
                .toList();
        return texts.isEmpty() ? List.of(name.group(1)) : texts;
      }
    }
    // uv tells a story: those of our names that occur in it, whole.
    String story = String.join(" ", lines);
    return requirements.stream()
        .filter(requirement ->
            Pattern.compile(
                    "(?<![A-Za-z0-9._-])"
                        + requirement.name().replace("-", "[-_.]+")
                        + "(?![A-Za-z0-9_-])",
                    Pattern.CASE_INSENSITIVE)
                .matcher(story)
                .find())
        .map(DependencyRequirement::text)
        .toList();
  }

  private static String quote(List<String> lines, Pattern telling) {
    if (telling == VERDICT) {
      // uv's reasoning goes over several lines; all of it is needed to see what excludes what.
      String story =
          lines.stream()
              .dropWhile(line -> !line.contains("Because "))
              .map(String::strip)
              .collect(Collectors.joining(" "));
      if (!story.isEmpty()) {
        return story.substring(story.indexOf("Because "));
      }
    }
    for (Pattern pattern : List.of(telling, SOME_ERROR)) {
      for (String line : lines.reversed()) {
        if (pattern.matcher(line).find()) {
          return line.strip().replaceFirst("^(?:ERROR|WARNING|error|cause):\\s*", "");
        }
      }
    }
    return lines.isEmpty() ? "" : lines.getLast().strip();
  }

  private static String withoutCredentials(String line) {
    return CREDENTIALS.matcher(line).replaceAll("://");
  }

  private static boolean has(List<String> lines, Pattern pattern) {
    return lines.stream().anyMatch(line -> pattern.matcher(line).find());
  }

  private static Pattern any(String... alternatives) {
    return Pattern.compile(String.join("|", alternatives), Pattern.CASE_INSENSITIVE);
  }
}
