package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * Reads requirements.txt: one requirement a line, with comments and lines continued by a backslash.
 * pip's options (other files, indexes, editable folders) are refused, for they name places to fetch
 * code from.
 */
public final class RequirementsFile {
  /** What the file is called inside a package and in messages. */
  public static final String FILE_NAME = "requirements.txt";

  private static final int MAX_BYTES = 64 << 10;

  private RequirementsFile() {}

  /**
   * @return the requirements in the file's order, as {@link Requirement#text} has them
   * @throws PluginException {@code dependency_invalid}, with all problems as {@link ManifestReader}
   *     gives them
   */
  public static List<String> read(byte[] file) {
    var problems = new Problems(FILE_NAME, ErrorCode.DEPENDENCY_INVALID);
    List<String> found = new ArrayList<>();
    String[] lines = text(file, problems).split("\r\n|\r|\n", -1);
    for (int i = 0; i < lines.length; i++) {
      var place = new Place(i + 1, 1);
      var line = new StringBuilder(lines[i]);
      while (line.length() > 0 && line.charAt(line.length() - 1) == '\\' && i + 1 < lines.length) {
        line.setLength(line.length() - 1);
        line.append(lines[++i]);
      }
      String requirement = withoutComment(line.toString());
      if (requirement.isEmpty()) {
        continue;
      }
      if (requirement.matches(".*\\s--hash=.*")) {
        problems.add(
            place, "--hash is not taken; Berth locks what it installs with hashes of its own");
        continue;
      }
      try {
        found.add(Requirement.parse(requirement).text());
      } catch (IllegalArgumentException e) {
        problems.add(place, String.valueOf(e.getMessage()));
      }
    }
    problems.throwIfAny();
    return found;
  }

  private static String text(byte[] file, Problems problems) {
    if (file.length > MAX_BYTES) {
      problems.add(Place.START, "the file has more than 65,536 bytes, which is the most it may");
      return "";
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(file)).toString();
    } catch (CharacterCodingException e) {
      problems.add(Place.START, "the file is not UTF-8");
      return "";
    }
  }

  /** As pip does it: a # begins a comment at the beginning of a line and after white space. */
  private static String withoutComment(String line) {
    if (line.stripLeading().startsWith("#")) {
      return "";
    }
    for (int i = 1; i < line.length(); i++) {
      if (line.charAt(i) == '#' && Character.isWhitespace(line.charAt(i - 1))) {
        return line.substring(0, i).strip();
      }
    }
    return line.strip();
  }
}
