package dev.berth.sandbox;

import dev.berth.api.ResourceLimits;
import java.nio.file.Path;

/**
 * How a {@link ProcessSandbox} runs its workers.
 *
 * @param dataDir the host's data folder; {@code runtime/} and {@code run/} below it are the
 *     sandbox's own
 * @param python the interpreter: a command looked up on PATH, or a path
 * @param parked how many children wait, already isolated, for their plugin
 * @param allowWeak whether a worker may start though a protection can't be had here
 * @param maximum what a worker gets at most, whatever its manifest asks for; {@code timeoutSeconds}
 *     is not used here
 * @param ceilings what every worker gets at most besides
 * @param mode how its process is made
 */
public record ProcessSandboxSettings(
    Path dataDir,
    String python,
    int parked,
    boolean allowWeak,
    ResourceLimits maximum,
    Ceilings ceilings,
    ProcessMode mode) {

  public ProcessSandboxSettings {
    Ceilings.atLeast("parked", parked, 0);
    Ceilings.atLeast("maximum.memoryMb", maximum.memoryMb(), 1);
  }

  /** The defaults: {@code python3}, two parked children, nothing weak allowed. */
  public static ProcessSandboxSettings of(Path dataDir) {
    return new ProcessSandboxSettings(
        dataDir, "python3", 2, false, ResourceLimits.MAXIMUM, Ceilings.DEFAULT, ProcessMode.ZYGOTE);
  }

  public ProcessSandboxSettings withPython(String command) {
    return new ProcessSandboxSettings(dataDir, command, parked, allowWeak, maximum, ceilings, mode);
  }

  /** The most that any worker gets. */
  public ProcessSandboxSettings withMaximum(ResourceLimits most, double cpus, int pids) {
    return new ProcessSandboxSettings(
        dataDir, python, parked, allowWeak, most, ceilings.with(cpus, pids), mode);
  }

  public ProcessSandboxSettings withParked(int children) {
    return new ProcessSandboxSettings(
        dataDir, python, children, allowWeak, maximum, ceilings, mode);
  }

  public ProcessSandboxSettings withAllowWeak(boolean allowed) {
    return new ProcessSandboxSettings(dataDir, python, parked, allowed, maximum, ceilings, mode);
  }

  public ProcessSandboxSettings withMode(ProcessMode how) {
    return new ProcessSandboxSettings(dataDir, python, parked, allowWeak, maximum, ceilings, how);
  }
}
