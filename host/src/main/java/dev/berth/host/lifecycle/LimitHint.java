package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.Ceilings;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Says which limit a failed call met, by name and value. What the plugin raised is its own word, so
 * this is a hint for a reader: the names and values are the host's, only the choice is the
 * plugin's.
 */
final class LimitHint {
  // errno(3), as Python shows it.
  private static final Pattern ERRNO = Pattern.compile("\\[Errno (\\d{1,3})\\]");

  /** What in a traceback's source lines starts a process. */
  private static final Pattern STARTS = Pattern.compile("fork|spawn|clone");

  private static final int EAGAIN = 11;
  private static final int ENOMEM = 12;
  private static final int EMFILE = 24;
  private static final int EFBIG = 27;
  private static final int ENOSPC = 28;
  private static final int EDQUOT = 122;

  /** A limit that was met. */
  private record Met(String name, long value, String unit, String remedy) {
    String shown() {
      return name + ", " + value + unit;
    }
  }

  private LimitHint() {}

  /**
   * The failure with the limit it met in its message and details; itself where there is none. Where
   * it met one of several, the details hold {@code limits}, name to value, instead.
   *
   * @param dataFiles how many files its {@code /data} holds; 0 where it has no limits of its own
   * @param asked the time that its caller set the call; null where the plugin's own counted
   */
  static PluginException of(
      PluginException failure,
      LaunchPlan plan,
      Ceilings ceilings,
      long dataFiles,
      @Nullable Duration asked) {
    int own = plan.pack().manifest().resources().timeoutSeconds();
    if (failure.code() == ErrorCode.PLUGIN_TIMEOUT
        && asked != null
        && asked.compareTo(Duration.ofSeconds(own)) < 0) {
      return new PluginException(
          failure.code(),
          failure.getMessage()
              + " That is what its caller gave it by timeout_seconds; the plugin's own limit is "
              + own
              + " s.",
          failure.details(),
          failure.getCause());
    }
    if (failure.details().containsKey("limit")) {
      return failure;
    }
    Map<String, Object> details = new LinkedHashMap<>(failure.details());
    Object full = details.remove("full");
    List<Met> met = met(failure, full, plan, ceilings, dataFiles);
    StringBuilder message = new StringBuilder(failure.getMessage());
    switch (met.size()) {
      case 0 -> {
        if (full == null) {
          return failure;
        }
      }
      case 1 -> {
        Met one = met.getFirst();
        details.put("limit", one.name());
        details.put("limit_value", one.value());
        message.append(" It met the limit ").append(one.shown()).append(". ").append(one.remedy());
      }
      default -> {
        Map<String, Object> limits = new LinkedHashMap<>();
        met.forEach(one -> limits.put(one.name(), one.value()));
        details.put("limits", limits);
        message
            .append(" It met one of the limits ")
            .append(met.stream().map(Met::shown).collect(Collectors.joining("; ")))
            .append(". ")
            .append(met.stream().map(Met::remedy).distinct().collect(Collectors.joining(" ")));
      }
    }
    return new PluginException(failure.code(), message.toString(), details, failure.getCause());
  }

  private static List<Met> met(
      PluginException failure,
      @Nullable Object full,
      LaunchPlan plan,
      Ceilings ceilings,
      long dataFiles) {
    var own = plan.pack().manifest().resources();
    if (failure.code() == ErrorCode.PLUGIN_TIMEOUT) {
      return List.of(
          new Met(
              "timeout_seconds",
              own.timeoutSeconds(),
              " s",
              "Make it faster, or raise resources.timeout_seconds in plugin.yaml; the operator's own"
                  + " maximum is --max-timeout."));
    }
    if (failure.code() != ErrorCode.PLUGIN_ERROR) {
      return List.of();
    }
    String text = failure.getMessage();
    if (text.contains("MemoryError")) {
      return List.of(memory(own.memoryMb()));
    }
    if (text.contains("can't start new thread")) {
      return List.of(pids(ceilings));
    }
    Matcher errno = ERRNO.matcher(text);
    if (!errno.find()) {
      return List.of();
    }
    return switch (Integer.parseInt(errno.group(1))) {
      case EAGAIN -> triedToStart(failure) ? List.of(pids(ceilings)) : List.of();
      case ENOMEM -> List.of(memory(own.memoryMb()));
      case EMFILE ->
          List.of(
              new Met(
                  "open_files",
                  ceilings.openFiles(),
                  "",
                  "Close what is no longer used, in `finally`."));
      case EFBIG -> List.of(new Met("file_mb", ceilings.fileMb(), " MiB", "Write several files."));
      case ENOSPC, EDQUOT -> disk(full, plan, ceilings, dataFiles);
      default -> List.of();
    };
  }

  /** Whether it failed in starting a process: locks and sockets fail with the same number. */
  private static boolean triedToStart(PluginException failure) {
    return failure.getMessage().contains("BlockingIOError")
        && failure.details().get("traceback") instanceof String traceback
        && STARTS.matcher(traceback).find();
  }

  private static Met memory(int mb) {
    return new Met(
        "memory_mb", mb, " MiB", "Raise resources.memory_mb in plugin.yaml, or keep less.");
  }

  private static Met pids(Ceilings ceilings) {
    return new Met(
        "pids",
        ceilings.pids(),
        " processes and threads",
        "Start fewer at a time; the operator's option is --max-pids.");
  }

  /**
   * Which limit on files it was. A failed write says nothing of its file, so the worker has looked
   * at what is full; where that is nothing, because the plugin has cleaned up, it may have been
   * any.
   */
  private static List<Met> disk(
      @Nullable Object full, LaunchPlan plan, Ceilings ceilings, long dataFiles) {
    String less = "Delete what is no longer needed; the operator's option is --data-size.";
    List<Met> known = new ArrayList<>();
    if (dataFiles > 0) { // Else what is full there is this host's disk.
      known.add(new Met("data_mb", plan.dataBytes() >> 20, " MiB", less));
      known.add(new Met("data_files", dataFiles, " files", less));
    }
    known.add(new Met("tmp_mb", ceilings.tmpMb(), " MiB", "Keep large files in /data."));
    known.add(
        new Met("tmp_files", ceilings.tmpFiles(), " files", "Delete what is no longer needed."));
    if (full instanceof List<?> named) {
      return known.stream().filter(met -> named.contains(met.name())).toList();
    }
    return dataFiles > 0 ? known : List.of();
  }
}
