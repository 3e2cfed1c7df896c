package dev.berth.api;

import java.time.Instant;

/**
 * A thing that goes wrong in a plugin, however often it does: failures of one kind, with the same
 * exception raised in the same place. Its texts are those of the last time, bounded, with secrets
 * cut out and control characters escaped.
 *
 * @param fingerprint names it among the plugin's errors, the same in every host: 12 hexadecimal
 *     digits
 * @param kind what failed: {@code plugin_error}, {@code plugin_crashed}, {@code plugin_timeout},
 *     {@code plugin_start_failed} and others
 * @param type the exception's class; empty where nothing was raised
 * @param message what the exception said, or what happened
 * @param where the innermost place in the plugin's own files, such as {@code main.py:12}; empty
 *     where there is none
 * @param traceback its last lines; empty without one
 * @param count how often since {@code firstAt}
 * @param version of the plugin, the last time
 */
public record ErrorGroup(
    String fingerprint,
    ErrorCode kind,
    String type,
    String message,
    String where,
    String traceback,
    long count,
    Instant firstAt,
    Instant lastAt,
    String version) {}
