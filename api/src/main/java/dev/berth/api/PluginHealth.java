package dev.berth.api;

import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * How a plugin is.
 *
 * @param status {@code healthy}, {@code unhealthy}, {@code starting} or {@code stopped}
 * @param message why, when it is not healthy; else empty
 * @param checkedAt when the plugin was last asked; null when it never was
 * @param report what its own {@code health_check} returned; null when it has none
 * @param restarts how often its worker was started again since it was enabled
 */
public record PluginHealth(
    String status,
    String message,
    WorkerState worker,
    @Nullable Instant checkedAt,
    @Nullable Json report,
    int restarts) {}
