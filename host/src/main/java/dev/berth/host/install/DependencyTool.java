package dev.berth.host.install;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** What resolves requirements and unpacks wheels: uv or pip, set up by the operator. */
sealed interface DependencyTool permits PipTool, UvTool {
  /** As people call it. */
  String name();

  /**
   * Finds the wheels that satisfy {@code requirements}.
   *
   * @throws PluginException {@code dependency_unresolvable} and its like
   */
  DependencyLock resolve(List<DependencyRequirement> requirements, DependencyWork work)
      throws IOException;

  /**
   * Unpacks the wheels of {@code lock}, which this tool has just resolved with {@code work}, into
   * {@code target}. Whatever does not have its hash is refused.
   */
  void install(DependencyLock lock, DependencyWork work, Path target) throws IOException;
}
