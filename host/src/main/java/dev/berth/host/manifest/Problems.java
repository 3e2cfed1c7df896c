package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What is wrong with one file, collected so that all of it is said at once. */
final class Problems {
  /** More than a person reads; a hostile file can have thousands. */
  private static final int SHOWN = 50;

  private record Problem(ErrorCode code, Place place, String message) {}

  private final String file;
  private final ErrorCode general;
  private final List<Problem> found = new ArrayList<>();

  /**
   * @param general the code that stands for all, unless every problem has the same other one
   */
  Problems(String file, ErrorCode general) {
    this.file = file;
    this.general = general;
  }

  void add(Place place, String message) {
    add(general, place, message);
  }

  void add(ErrorCode code, Place place, String message) {
    found.add(new Problem(code, place, message));
  }

  boolean isEmpty() {
    return found.isEmpty();
  }

  /**
   * @throws PluginException when anything is wrong
   */
  void throwIfAny() {
    if (found.isEmpty()) {
      return;
    }
    found.sort(Comparator.comparing(Problem::place));
    var message = new StringBuilder(file);
    message.append(found.size() == 1 ? " has a problem:" : " has " + found.size() + " problems:");
    List<Map<String, Object>> details = new ArrayList<>();
    for (Problem problem : found.subList(0, Math.min(SHOWN, found.size()))) {
      Place at = problem.place;
      message.append('\n').append(file).append(':').append(at.line()).append(':');
      message.append(at.column()).append(": ").append(problem.message);
      Map<String, Object> detail = new LinkedHashMap<>();
      detail.put("file", file);
      detail.put("line", at.line());
      detail.put("column", at.column());
      detail.put("message", problem.message);
      details.add(detail);
    }
    if (found.size() > SHOWN) {
      message.append("\nand ").append(found.size() - SHOWN).append(" more");
    }
    ErrorCode first = found.getFirst().code;
    boolean same = found.stream().allMatch(problem -> problem.code == first);
    throw new PluginException(
        same ? first : general, message.toString(), Map.of("problems", details), null);
  }
}
