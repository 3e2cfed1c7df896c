package dev.berth.server;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/** What this machine and the server on it use, as the JVM and Linux tell it. */
final class HostFigures {
  /** Fields as in proc_meminfo(5), in KiB. */
  private static final Path MEMORY = Path.of("/proc/meminfo");

  private static final double MIB = 1 << 20;

  private final OperatingSystemMXBean system =
      ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);

  HostFigures() {
    // The first reading has nothing before it to be compared with.
    double _ = system.getCpuLoad();
    double _ = system.getProcessCpuLoad();
  }

  Map<String, Object> view() {
    int cpus = system.getAvailableProcessors();
    Runtime java = Runtime.getRuntime();
    var view = new LinkedHashMap<String, Object>();
    view.put("cpus", cpus);
    view.put("cpu_usage", percent(system.getCpuLoad()));
    view.put("load", system.getSystemLoadAverage());
    view.put("memory_total_mb", system.getTotalMemorySize() / MIB);
    view.put("memory_available_mb", available() / MIB);
    view.put("server_cpu_usage", cpus * percent(system.getProcessCpuLoad()));
    view.put("server_heap_mb", (java.totalMemory() - java.freeMemory()) / MIB);
    view.put(
        "open_files",
        system instanceof UnixOperatingSystemMXBean unix ? unix.getOpenFileDescriptorCount() : -1);
    view.put("uptime_seconds", ManagementFactory.getRuntimeMXBean().getUptime() / 1e3);
    return view;
  }

  /** Of all cores; the JVM says -1 or NaN where it doesn't know. */
  private static double percent(double share) {
    return share > 0 ? 100 * share : 0;
  }

  /** Free memory and what Linux would give back; what is free alone where it doesn't say. */
  private long available() {
    try (var lines = Files.lines(MEMORY)) {
      return lines
          .filter(line -> line.startsWith("MemAvailable:"))
          .findFirst()
          .map(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
          .orElseGet(system::getFreeMemorySize);
    } catch (IOException _) {
      return system.getFreeMemorySize();
    }
  }
}
