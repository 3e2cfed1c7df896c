package dev.berth.host.lifecycle;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import dev.berth.api.SandboxExit;
import dev.berth.host.lifecycle.RestartPolicy.Next;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Tells callers why a worker died and what happens next. */
final class CrashReport {
  private CrashReport() {}

  /**
   * @param exit null when it is not known yet
   * @param next null when the plugin is being stopped anyway
   */
  static PluginException of(
      String label, String id, @Nullable SandboxExit exit, @Nullable Next next) {
    String what =
        exit == null ? "closed its channel without a reason that could be seen" : exit.describe();
    String then =
        switch (next) {
          case null -> "It is being stopped.";
          case Next.Restart(var after) when after.isZero() -> "It is being started again.";
          case Next.Restart(var after) ->
              "It is started again in " + Math.max(1, after.toSeconds()) + " s.";
          case Next.GiveUp(String why) ->
              "It is not started again, because "
                  + why
                  + ". `berth logs "
                  + id
                  + "` shows more; `berth enable "
                  + id
                  + "` tries again.";
        };
    return new PluginException(
        ErrorCode.PLUGIN_CRASHED,
        label + " crashed: its worker " + what + ". " + then,
        details(exit),
        null);
  }

  /** {@code reason}, and what there is to it: a status, a signal, a limit by name and value. */
  static Map<String, Object> details(@Nullable SandboxExit exit) {
    var details = new LinkedHashMap<String, Object>();
    details.put("reason", exit == null ? "unknown" : exit.reason());
    switch (exit) {
      case null -> {}
      case SandboxExit.Exited(int code) -> details.put("exit_code", code);
      case SandboxExit.Killed(int signal) -> details.put("signal", signal);
      case SandboxExit.TimedOut(var after) -> details.put("timeout_ms", after.toMillis());
      case SandboxExit.OutOfMemory(long bytes) -> {
        details.put("limit", "memory_mb");
        details.put("limit_value", bytes >> 20);
      }
    }
    return details;
  }
}
