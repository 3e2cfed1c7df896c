package dev.berth.api;

/**
 * A chat command a plugin offers.
 *
 * @param name with its leading slash, e.g. {@code /roll}
 * @param description one line for the help listing; may be empty
 * @param usage e.g. {@code /roll [NdM]}; may be empty
 */
public record Command(String name, String description, String usage) {}
