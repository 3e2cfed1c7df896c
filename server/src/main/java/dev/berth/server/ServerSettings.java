package dev.berth.server;

import java.nio.file.Path;
import java.time.Duration;

/**
 * How to listen and what to take.
 *
 * @param host the address to bind; other than a loopback one it needs an API key
 * @param port 0 for any free one
 * @param uploads folder for archives while they arrive; made when missing, emptied at start
 * @param maxUploadBytes largest archive taken, in bytes
 * @param maxBodyBytes largest JSON body taken, in bytes
 * @param idleTimeout how long a connection may be silent, unless its request waits for a plugin;
 *     and how long the head of a request may take in all
 * @param minBytesPerSecond slowest rate at which a body may arrive; 0 for any
 * @param selectors how many threads drive sockets
 * @param stopTimeout how long requests under way may go on once the server closes
 */
public record ServerSettings(
    String host,
    int port,
    Path uploads,
    long maxUploadBytes,
    int maxBodyBytes,
    Duration idleTimeout,
    int minBytesPerSecond,
    int selectors,
    Duration stopTimeout) {
  /** The usual bounds: 50 MiB of archive, 1 MiB of JSON, 10 s of silence, 16 KiB/s. */
  public static ServerSettings of(String host, int port, Path uploads) {
    return new ServerSettings(
        host,
        port,
        uploads,
        50L << 20,
        1 << 20,
        Duration.ofSeconds(10),
        16 << 10,
        Math.max(1, Runtime.getRuntime().availableProcessors() / 2),
        Duration.ofSeconds(10));
  }

  /** How long a body of {@code bytes} may take to arrive, in milliseconds. */
  long bodyMillis(long bytes) {
    long atSlowest = minBytesPerSecond == 0 ? 3_600_000 : bytes * 1000 / minBytesPerSecond;
    return idleTimeout.toMillis() + atSlowest;
  }
}
