package dev.berth.host.install;

import java.time.Duration;

/**
 * How much an archive may hold.
 *
 * @param archiveBytes its own length
 * @param unpackedBytes all its files together
 * @param entryBytes one file
 * @param entries files, folders and everything else it lists
 * @param depth names in a path
 * @param pathBytes a path, as UTF-8
 * @param ratio unpacked bytes for each packed byte, where more than 1 MiB comes out
 * @param time for reading it
 */
public record ArchiveLimits(
    long archiveBytes,
    long unpackedBytes,
    long entryBytes,
    int entries,
    int depth,
    int pathBytes,
    int ratio,
    Duration time) {
  public static final ArchiveLimits DEFAULT =
      new ArchiveLimits(
          50L << 20, 100L << 20, 32L << 20, 2000, 16, 240, 100, Duration.ofSeconds(30));

  /** The same with another {@link #archiveBytes}. */
  public ArchiveLimits withArchiveBytes(long bytes) {
    return new ArchiveLimits(
        bytes, unpackedBytes, entryBytes, entries, depth, pathBytes, ratio, time);
  }
}
