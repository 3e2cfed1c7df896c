package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import org.jspecify.annotations.Nullable;

/**
 * Why there is no sandbox for a plugin, said the same way by each kind of sandbox.
 *
 * <p>It fails before the plugin's code has run, so it is this machine's trouble: the start is tried
 * again for as long as it takes, and the plugin is not given up. No plugin can bring that about,
 * but for what it left in its own /data, or with a memory limit that not even an empty worker fits
 * into; that is its own, and is counted.
 */
final class StartFailure {
  private StartFailure() {}

  /**
   * @param what a sentence without its full stop
   * @param own whether the plugin itself is to blame
   */
  static PluginException of(String what, boolean own, @Nullable Throwable cause) {
    return own
        ? new PluginException(ErrorCode.PLUGIN_START_FAILED, what, cause)
        : new PluginException(
            ErrorCode.SANDBOX_UNAVAILABLE,
            what
                + ". That is this machine's trouble, not the plugin's: see `berth doctor` and the"
                + " kernel's log (dmesg).",
            cause);
  }
}
