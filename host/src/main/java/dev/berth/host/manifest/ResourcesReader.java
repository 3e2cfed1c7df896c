package dev.berth.host.manifest;

import dev.berth.api.ErrorCode;
import dev.berth.api.ResourceLimits;
import dev.berth.host.manifest.YamlNode.Mapping;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads {@code resources} of plugin.yaml. */
final class ResourcesReader {
  /** An empty Python in a sandbox of its own needs about 11 MiB; below this none starts. */
  private static final int LEAST_MEMORY_MB = 16;

  private static final ResourceLimits ANY =
      new ResourceLimits(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE);

  private final ResourceLimits most;
  private final boolean refuses;
  private final Problems problems;

  /**
   * @param most the most that a plugin gets
   * @param refuses whether to ask for more is a problem
   */
  ResourcesReader(ResourceLimits most, boolean refuses, Problems problems) {
    this.most = most;
    this.refuses = refuses;
    this.problems = problems;
  }

  /**
   * @param mapping null where plugin.yaml says nothing
   */
  ResourceLimits read(@Nullable Mapping mapping) {
    ResourceLimits usual = ResourceLimits.DEFAULT;
    if (mapping == null) {
      return atMost(usual);
    }
    var fields = new Fields("resources.", mapping, problems);
    fields.allow(
        List.of("memory_mb", "cpu_shares", "timeout_seconds"), ErrorCode.MANIFEST_UNKNOWN_FIELD);
    ResourceLimits bound = refuses ? most : ANY;
    String here = " (this host's limit)";
    return atMost(
        new ResourceLimits(
            fields.wholeNumber(
                "memory_mb", LEAST_MEMORY_MB, bound.memoryMb(), usual.memoryMb(), here),
            fields.wholeNumber("cpu_shares", 2, bound.cpuShares(), usual.cpuShares(), here),
            fields.wholeNumber(
                "timeout_seconds", 1, bound.timeoutSeconds(), usual.timeoutSeconds(), here)));
  }

  private ResourceLimits atMost(ResourceLimits wanted) {
    return new ResourceLimits(
        Math.min(wanted.memoryMb(), most.memoryMb()),
        Math.min(wanted.cpuShares(), most.cpuShares()),
        Math.min(wanted.timeoutSeconds(), most.timeoutSeconds()));
  }
}
