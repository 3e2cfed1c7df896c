package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Where an archive's entry belongs in the package. A name that some system could take for another
 * place, another file or a device is refused; nothing is stripped or mended but a leading {@code
 * ./}.
 *
 * @param steps the names on the way; none for the package's own folder
 * @param folder whether the name ended in a slash
 */
record EntryName(List<String> steps, boolean folder) {
  private static final int MAX_STEP_BYTES = 255;
  private static final Pattern DEVICE =
      Pattern.compile("(con|prn|aux|nul|com[0-9]|lpt[0-9])([ .].*)?", Pattern.CASE_INSENSITIVE);

  /** What tools leave in folders and nobody means to ship; it is checked but not kept. */
  private static final Set<String> LITTER =
      Set.of("__pycache__", "__MACOSX", ".git", ".hg", ".svn", ".DS_Store");

  EntryName {
    steps = List.copyOf(steps);
  }

  /** Why a name was refused. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    private final ErrorCode code;

    Refused(ErrorCode code, String why) {
      super(why, null, false, false);
      this.code = code;
    }

    ErrorCode code() {
      return code;
    }

    String why() {
      return String.valueOf(getMessage());
    }
  }

  /**
   * @param raw the name's bytes as the archive has them
   * @throws Refused with {@code archive_bad_name}, {@code archive_path_escape} or {@code
   *     archive_too_deep}
   */
  static EntryName parse(byte[] raw, ArchiveLimits limits) throws Refused {
    String name = decode(raw);
    if (name.startsWith("/")) {
      throw new Refused(
          ErrorCode.ARCHIVE_PATH_ESCAPE, "is an absolute path; pack a folder by its relative name");
    }
    if (name.indexOf('\\') >= 0 || name.indexOf(':') >= 0) {
      throw new Refused(
          ErrorCode.ARCHIVE_BAD_NAME, "has a backslash or colon in its name; use / between names");
    }
    List<String> steps = new ArrayList<>(List.of(name.split("/", -1)));
    boolean folder = steps.size() > 1 && steps.getLast().isEmpty();
    if (folder) {
      steps.removeLast();
    }
    while (!steps.isEmpty() && steps.getFirst().equals(".")) {
      steps.removeFirst();
    }
    if (steps.contains("..")) {
      throw new Refused(ErrorCode.ARCHIVE_PATH_ESCAPE, "has .. in its path");
    }
    if (steps.size() > limits.depth()) {
      throw new Refused(
          ErrorCode.ARCHIVE_TOO_DEEP, "is more than " + limits.depth() + " folders deep");
    }
    if (raw.length > limits.pathBytes()) {
      throw new Refused(
          ErrorCode.ARCHIVE_BAD_NAME, "has a path of more than " + limits.pathBytes() + " bytes");
    }
    for (String step : steps) {
      checkStep(step);
    }
    return new EntryName(steps, folder || steps.isEmpty());
  }

  private static String decode(byte[] raw) throws Refused {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
    } catch (CharacterCodingException e) {
      throw new Refused(
          ErrorCode.ARCHIVE_BAD_NAME, "has a name that is not UTF-8; rename the file");
    }
  }

  private static void checkStep(String step) throws Refused {
    if (step.isEmpty() || step.equals(".")) {
      throw new Refused(ErrorCode.ARCHIVE_BAD_NAME, "has an empty name in its path");
    }
    if (step.getBytes(StandardCharsets.UTF_8).length > MAX_STEP_BYTES) {
      throw new Refused(
          ErrorCode.ARCHIVE_BAD_NAME, "has a name of more than " + MAX_STEP_BYTES + " bytes");
    }
    for (int i = 0; i < step.length(); ) {
      int c = step.codePointAt(i);
      i += Character.charCount(c);
      switch (Character.getType(c)) {
        case Character.CONTROL,
            Character.FORMAT,
            Character.SURROGATE,
            Character.PRIVATE_USE,
            Character.UNASSIGNED,
            Character.LINE_SEPARATOR,
            Character.PARAGRAPH_SEPARATOR ->
            throw new Refused(
                ErrorCode.ARCHIVE_BAD_NAME,
                String.format(Locale.ROOT, "has the character U+%04X in its name", c));
        default -> {}
      }
    }
    char last = step.charAt(step.length() - 1);
    if (last == ' ' || last == '.') {
      throw new Refused(
          ErrorCode.ARCHIVE_BAD_NAME, "has a name that ends in a space or dot; rename the file");
    }
    if (DEVICE.matcher(step).matches()) {
      throw new Refused(
          ErrorCode.ARCHIVE_BAD_NAME, "has a name that is a device on Windows; rename the file");
    }
  }

  /** Whether it is what tools leave behind: bytecode caches, version control, macOS metadata. */
  boolean isLitter() {
    return steps.stream().anyMatch(step -> LITTER.contains(step) || step.startsWith("._"));
  }

  String path() {
    return String.join("/", steps);
  }
}
