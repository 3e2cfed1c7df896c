package dev.berth.api;

import java.time.Instant;

/**
 * A line of a plugin's log.
 *
 * @param sequence grows by one a record, from 1, for a plugin's whole life
 * @param level {@code DEBUG}, {@code INFO}, {@code WARNING}, {@code ERROR} or {@code CRITICAL}
 * @param source {@code logging}, {@code stdout}, {@code stderr} or {@code host}
 * @param logger the Python logger's name; empty for the other sources
 * @param message one record, several lines where it is a traceback; control characters escaped
 */
public record LogRecord(
    long sequence, Instant time, String level, String source, String logger, String message) {}
