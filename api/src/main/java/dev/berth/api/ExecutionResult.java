package dev.berth.api;

import java.time.Duration;

/** What came of a call. */
public sealed interface ExecutionResult {
  /**
   * The plugin answered.
   *
   * @param result what it returned, whole
   * @param success its own {@code success} where that is a bool, else true
   * @param elapsed from the call's arrival at the host to its answer
   */
  record Succeeded(Json result, boolean success, Duration elapsed) implements ExecutionResult {}

  /** It did not: it raised, crashed, ran out of time, is not enabled. */
  record Failed(PluginException error, Duration elapsed) implements ExecutionResult {}

  /** The host refused a thing the call needed. */
  record Denied(Permission permission, String why) implements ExecutionResult {}

  /** The answer, or the failure thrown. */
  default Succeeded orThrow() {
    return switch (this) {
      case Succeeded ok -> ok;
      case Failed failed -> throw failed.error();
      case Denied(Permission permission, String why) ->
          throw new PluginException(
              ErrorCode.PERMISSION_DENIED, permission.wireName() + ": " + why);
    };
  }
}
