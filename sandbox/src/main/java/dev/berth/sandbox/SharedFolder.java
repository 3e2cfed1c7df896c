package dev.berth.sandbox;

import java.nio.file.Path;

/**
 * A folder of the host that a plugin may see, at {@code /folders/NAME}.
 *
 * @param host where it is on the host
 * @param name the last part of where the plugin sees it
 * @param writable whether the plugin may change what is in it
 */
public record SharedFolder(Path host, String name, boolean writable) {}
