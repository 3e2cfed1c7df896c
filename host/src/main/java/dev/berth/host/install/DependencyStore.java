package dev.berth.host.install;

import dev.berth.api.ErrorCode;
import dev.berth.api.InstallProgress;
import dev.berth.api.PluginException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Python dependencies, in {@code <data>/site/<lock>}: one read-only folder per locked set of wheels
 * and interpreter, shared by all plugins with that lock.
 *
 * <p>Wheels only: nothing of what is installed runs. The index is whatever the operator's pip or uv
 * is set to.
 */
@SuppressWarnings({"DoNotCallSuggester", "UnusedVariable"})
public final class DependencyStore {
  public DependencyStore(Path dataDir, PythonInterpreter python) {}

  /**
   * Resolves {@code requirements} and sees that their folder is there. Blocks; may take minutes.
   *
   * @param requirements PEP 508 requirements by name, one each
   * @return the lock, 64 hexadecimal digits; null when there is nothing to install
   * @throws PluginException {@code dependency_invalid}, {@code dependency_unresolvable}, {@code
   *     dependency_no_wheel}, {@code dependency_index_unreachable}, {@code
   *     dependency_tool_missing}, {@code disk_full}; nothing is left behind
   */
  public @Nullable String prepare(List<String> requirements, InstallProgress progress) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The folder of {@code lock}; whether or not it is there. */
  public Path directory(String lock) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** The locks whose folders are there. */
  public Set<String> locks() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** Removes the folder of {@code lock}, which no plugin may need any more. */
  public void remove(String lock) {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }

  /** Removes what an earlier host left half done. Call it at start, before anything else. */
  public void sweep() {
    throw new PluginException(ErrorCode.NOT_IMPLEMENTED, "not built yet");
  }
}
