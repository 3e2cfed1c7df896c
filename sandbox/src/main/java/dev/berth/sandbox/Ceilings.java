package dev.berth.sandbox;

/**
 * Limits that a sandbox sets for every worker alike, whatever its manifest says.
 *
 * @param pids processes and threads of one worker
 * @param openFiles file descriptors of each of its processes
 * @param tmpMb size of its {@code /tmp} in MiB
 * @param fileMb size of any one file in MiB
 * @param cpus CPU time in cores, held by a quota
 */
public record Ceilings(int pids, int openFiles, int tmpMb, int fileMb, double cpus) {
  /** What holds where nobody says otherwise. */
  public static final Ceilings DEFAULT = new Ceilings(128, 1024, 64, 1024, 1);

  private static final int TMP_FILES_A_MB = 256;

  /** How many files its {@code /tmp} holds: one for each 4 KiB, in either sandbox. */
  public int tmpFiles() {
    return tmpMb * TMP_FILES_A_MB;
  }
}
