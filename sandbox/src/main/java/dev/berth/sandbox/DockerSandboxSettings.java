package dev.berth.sandbox;

import dev.berth.api.ResourceLimits;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * How a {@link DockerSandbox} runs its workers.
 *
 * @param dataDir the host's data folder; {@code runtime/} and {@code run/} below it are the
 *     sandbox's own
 * @param host the engine, as DOCKER_HOST says it; null for the usual socket
 * @param image the image of containers whose plugin names none
 * @param runtime the engine's runtime for containers; empty for gVisor's where it can be used, else
 *     the engine's default
 * @param pluginImages whether a plugin may name another
 * @param helper the Python of this machine that attaches folders to waiting containers
 * @param parked how many containers wait for their plugin
 * @param allowWeak whether a worker may start though a protection can't be had here
 * @param maximum what a worker gets at most; {@code timeoutSeconds} is not used here
 * @param ceilings what every worker gets at most besides
 */
public record DockerSandboxSettings(
    Path dataDir,
    @Nullable String host,
    String image,
    String runtime,
    boolean pluginImages,
    Path helper,
    int parked,
    boolean allowWeak,
    ResourceLimits maximum,
    Ceilings ceilings) {
  public DockerSandboxSettings {
    Ceilings.atLeast("parked", parked, 0);
    Ceilings.atLeast("maximum.memoryMb", maximum.memoryMb(), 1);
  }

  /** What is used when nobody names an image. */
  public static final String IMAGE = "python:3.11-slim";

  /** The defaults. */
  public static DockerSandboxSettings of(Path dataDir, Path helper) {
    return new DockerSandboxSettings(
        dataDir,
        System.getenv("DOCKER_HOST"),
        IMAGE,
        "",
        false,
        helper,
        2,
        false,
        ResourceLimits.MAXIMUM,
        Ceilings.DEFAULT);
  }

  public DockerSandboxSettings withImage(String name, boolean plugins) {
    return new DockerSandboxSettings(
        dataDir, host, name, runtime, plugins, helper, parked, allowWeak, maximum, ceilings);
  }

  public DockerSandboxSettings withRuntime(String name) {
    return new DockerSandboxSettings(
        dataDir, host, image, name, pluginImages, helper, parked, allowWeak, maximum, ceilings);
  }

  public DockerSandboxSettings withParked(int number) {
    return new DockerSandboxSettings(
        dataDir, host, image, runtime, pluginImages, helper, number, allowWeak, maximum, ceilings);
  }

  public DockerSandboxSettings withAllowWeak(boolean allowed) {
    return new DockerSandboxSettings(
        dataDir, host, image, runtime, pluginImages, helper, parked, allowed, maximum, ceilings);
  }

  /** The most that any worker gets. */
  public DockerSandboxSettings withMaximum(ResourceLimits most, double cpus, int pids) {
    Ceilings all = ceilings.with(cpus, pids);
    return new DockerSandboxSettings(
        dataDir, host, image, runtime, pluginImages, helper, parked, allowWeak, most, all);
  }
}
