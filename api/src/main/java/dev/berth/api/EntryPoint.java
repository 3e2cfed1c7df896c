package dev.berth.api;

/**
 * Where a plugin's code begins.
 *
 * @param main path of the Python module inside the package, {@code /} between names, never absolute
 * @param className the class in it to construct; a plain Python identifier
 */
public record EntryPoint(String main, String className) {}
