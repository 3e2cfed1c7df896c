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
  /**
   * Checks them.
   *
   * @throws IllegalArgumentException which is too low, and what it must be
   */
  public Ceilings {
    atLeast("pids", pids, 8);
    atLeast("openFiles", openFiles, 32);
    atLeast("tmpMb", tmpMb, 1);
    if (!(cpus > 0) || Double.isInfinite(cpus)) {
      throw new IllegalArgumentException("cpus must be a number above 0, and is " + cpus + ".");
    }
  }

  static void atLeast(String name, long number, long least) {
    if (number < least) {
      throw new IllegalArgumentException(
          name + " must be at least " + least + ", and is " + number + ".");
    }
  }

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
