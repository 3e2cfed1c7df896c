package dev.berth.channel;

import dev.berth.api.EntryPoint;
import dev.berth.api.Json;
import dev.berth.api.PluginId;
import java.util.List;

/**
 * What a worker is told to load.
 *
 * @param paths folders for {@code sys.path}, as the sandbox sees them, first one first
 * @param config the settings in force, secrets included, a JSON object
 */
public record Initialization(
    PluginId plugin,
    String name,
    String version,
    EntryPoint entryPoint,
    List<String> paths,
    Json config) {}
