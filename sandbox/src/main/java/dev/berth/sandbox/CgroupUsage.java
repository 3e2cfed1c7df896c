package dev.berth.sandbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads what a control group counts, version 1 or 2; see cgroups(7). */
final class CgroupUsage {
  private CgroupUsage() {}

  /**
   * What the group uses now, the sandbox's init left out of the processes.
   *
   * @param folders controller to folder
   */
  static ResourceUsage read(Map<String, Path> folders) {
    return new ResourceUsage(
        cpuNanos(folders),
        throttledNanos(folders.get("cpu")),
        memoryBytes(folders.get("memory")),
        pids(folders),
        0);
  }

  /** CPU time used so far, in nanoseconds. */
  static long cpuNanos(Map<String, Path> folders) {
    Path v1 = folders.get("cpuacct");
    if (v1 != null) {
      return number(v1.resolve("cpuacct.usage"));
    }
    Path v2 = folders.get("cpu");
    return v2 == null ? 0 : 1000 * field(v2.resolve("cpu.stat"), "usage_usec");
  }

  private static long throttledNanos(@Nullable Path cpu) {
    if (cpu == null) {
      return 0;
    }
    long v1 = field(cpu.resolve("cpu.stat"), "throttled_time");
    return v1 > 0 ? v1 : 1000 * field(cpu.resolve("cpu.stat"), "throttled_usec");
  }

  private static long memoryBytes(@Nullable Path folder) {
    if (folder == null) {
      return 0;
    }
    // The inactive file cache is the kernel's to take back; a plugin that read a file is not fat.
    Path v2 = folder.resolve("memory.current");
    long all;
    long cache;
    if (Files.exists(v2)) {
      all = number(v2);
      cache = field(folder.resolve("memory.stat"), "inactive_file");
    } else {
      all = number(folder.resolve("memory.usage_in_bytes"));
      cache = field(folder.resolve("memory.stat"), "total_inactive_file");
    }
    return Math.max(0, all - cache);
  }

  private static long pids(Map<String, Path> folders) {
    Path folder = folders.get("pids");
    return folder == null ? 0 : Math.max(0, number(folder.resolve("pids.current")) - 1);
  }

  private static long number(Path file) {
    try {
      return Long.parseLong(Files.readString(file).strip());
    } catch (IOException | NumberFormatException e) {
      return 0; // the group went away, or this kernel does not count it
    }
  }

  private static long field(Path file, String name) {
    try {
      return Files.readString(file)
          .lines()
          .filter(line -> line.startsWith(name + " "))
          .mapToLong(line -> Long.parseLong(line.substring(name.length() + 1).strip()))
          .findFirst()
          .orElse(0);
    } catch (IOException | NumberFormatException e) {
      return 0;
    }
  }
}
