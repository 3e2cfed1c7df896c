package dev.berth.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

/** What the host sees of its processes, by /proc. */
final class HostView {
  private HostView() {}

  static String read(Path file) {
    try {
      return new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Lines of /proc/PID/status by their name. */
  static Map<String, String> status(Path process) {
    Map<String, String> fields = new TreeMap<>();
    for (String line : read(process.resolve("status")).lines().toList()) {
      int colon = line.indexOf(':');
      fields.put(line.substring(0, colon), line.substring(colon + 1).strip());
    }
    return fields;
  }

  /** Processes whose real uid is this one. */
  static List<Long> processesOf(int uid) {
    return processes(status -> status.getOrDefault("Uid", "").startsWith(uid + "\t"));
  }

  /** Processes below this one, itself left out. */
  static List<Long> descendants(long pid) {
    List<Long> found = new ArrayList<>();
    for (long child : processes(status -> status.get("PPid").equals(Long.toString(pid)))) {
      found.add(child);
      found.addAll(descendants(child));
    }
    return found;
  }

  private static List<Long> processes(java.util.function.Predicate<Map<String, String>> wanted) {
    List<Long> found = new ArrayList<>();
    try (Stream<Path> all = Files.list(Path.of("/proc"))) {
      for (Path path : all.toList()) {
        String name = path.getFileName().toString();
        if (name.chars().allMatch(Character::isDigit)) {
          try {
            if (wanted.test(status(path))) {
              found.add(Long.parseLong(name));
            }
          } catch (UncheckedIOException endedMeanwhile) {
            found.remove(Long.valueOf(name));
          }
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return found;
  }

  static int count(Path folder) {
    try (Stream<Path> entries = Files.list(folder)) {
      return (int) entries.count();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
