package dev.berth.sandbox;

/**
 * Limits that a sandbox sets for every worker alike, whatever its manifest says.
 *
 * @param pids processes and threads of one worker
 * @param openFiles file descriptors of each of its processes
 * @param tmpMb size of its {@code /tmp} in MiB; it counts against the memory limit too
 * @param cpus CPUs' worth of time, held by a quota, e.g. 1.0
 */
public record Ceilings(int pids, int openFiles, int tmpMb, double cpus) {
  /** What holds where nobody says otherwise. */
  public static final Ceilings DEFAULT = new Ceilings(128, 1024, 64, 1);

  private static final int FILE_MB = 1024;
  private static final int TMP_FILES_A_MB = 256;

  /** Size of any one file in MiB: the same in either sandbox, and nobody's to choose. */
  public int fileMb() {
    return FILE_MB;
  }

  /** How many files its {@code /tmp} holds: one for each 4 KiB, in either sandbox. */
  public int tmpFiles() {
    return tmpMb * TMP_FILES_A_MB;
  }

  Ceilings with(double time, int processes) {
    return new Ceilings(processes, openFiles, tmpMb, time);
  }
}
