package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.nio.file.Path;

/**
 * A Python that plugins can run on.
 *
 * @param executable the file itself: no link, no launcher script
 * @param version e.g. {@code 3.11.7}
 * @param abi what compiled modules are made for, e.g. {@code cpython-311-x86_64-linux-gnu}
 */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public record PythonInterpreter(Path executable, String version, String abi) {
  /**
   * Asks {@code python} what it is.
   *
   * @throws PluginException {@code sandbox_unavailable} when it does not run or is older than 3.9
   */
  public static PythonInterpreter probe(Path python) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /**
   * The first Python of at least 3.9 on the PATH.
   *
   * @throws PluginException {@code sandbox_unavailable} when there is none
   */
  public static PythonInterpreter find() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
