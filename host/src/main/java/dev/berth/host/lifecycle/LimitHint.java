package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.sandbox.Ceilings;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Says which limit a failed call met, by name and value. What the plugin raised is its own word, so
 * this is a hint for a reader: the names and values are the host's, only the choice is the
 * plugin's.
 */
final class LimitHint {
  // errno(3), as Python shows it.
  private static final Pattern ERRNO = Pattern.compile("\\[Errno (\\d{1,3})\\]");
  private static final int EAGAIN = 11;
  private static final int ENOMEM = 12;
  private static final int EMFILE = 24;
  private static final int EFBIG = 27;
  private static final int ENOSPC = 28;
  private static final int EDQUOT = 122;

  /** A limit that was met. */
  private record Met(String name, long value, String unit, String remedy) {}

  private LimitHint() {}

  /**
   * The failure with the limit it met in its message and details; itself where there is none.
   *
   * @param asked the time that its caller set the call; null where the plugin's own counted
   */
  static PluginException of(
      PluginException failure, LaunchPlan plan, Ceilings ceilings, @Nullable Duration asked) {
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
    Met met = met(failure, plan, ceilings);
    if (met == null || failure.details().containsKey("limit")) {
      return failure;
    }
    Map<String, Object> details = new LinkedHashMap<>(failure.details());
    details.put("limit", met.name());
    details.put("limit_value", met.value());
    String message =
        failure.getMessage()
            + " It met the limit "
            + met.name()
            + ", "
            + met.value()
            + met.unit()
            + ". "
            + met.remedy();
    return new PluginException(failure.code(), message, details, failure.getCause());
  }

  private static @Nullable Met met(PluginException failure, LaunchPlan plan, Ceilings ceilings) {
    var own = plan.pack().manifest().resources();
    if (failure.code() == ErrorCode.PLUGIN_TIMEOUT) {
      return new Met(
          "timeout_seconds",
          own.timeoutSeconds(),
          " s",
          "Make it faster, or raise resources.timeout_seconds in plugin.yaml; the operator's own"
              + " maximum is --max-timeout.");
    }
    if (failure.code() != ErrorCode.PLUGIN_ERROR) {
      return null;
    }
    String text = failure.getMessage();
    if (text.contains("MemoryError")) {
      return memory(own.memoryMb());
    }
    if (text.contains("can't start new thread")) {
      return pids(ceilings);
    }
    Matcher errno = ERRNO.matcher(text);
    if (!errno.find()) {
      return null;
    }
    return switch (Integer.parseInt(errno.group(1))) {
      case EAGAIN -> text.contains("BlockingIOError") ? pids(ceilings) : null;
      case ENOMEM -> memory(own.memoryMb());
      case EMFILE ->
          new Met(
              "open_files",
              ceilings.openFiles(),
              "",
              "Close what is no longer used, in `finally`.");
      case EFBIG -> new Met("file_mb", ceilings.fileMb(), " MiB", "Write several files.");
      case ENOSPC, EDQUOT -> disk(text, plan, ceilings);
      default -> null;
    };
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

  private static Met disk(String text, LaunchPlan plan, Ceilings ceilings) {
    return text.contains("/tmp")
        ? new Met("tmp_mb", ceilings.tmpMb(), " MiB", "Keep large files in /data.")
        : new Met(
            "data_mb",
            plan.dataBytes() >> 20,
            " MiB",
            "Delete what is no longer needed; the operator's option is --data-size.");
  }
}
