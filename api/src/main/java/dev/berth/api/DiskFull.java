package dev.berth.api;

import java.io.IOException;

/** Tells a full disk from other trouble. */
public final class DiskFull {
  private DiskFull() {}

  /**
   * Whether it was for want of room (ENOSPC) or of quota (EDQUOT, errno(3)). Java hands on what the
   * system says of an error number and not the number, so it is told by the words; {@code berth}
   * sees to it that they are English.
   */
  public static boolean is(IOException failure) {
    String words = String.valueOf(failure.getMessage());
    return words.contains("No space left on device") || words.contains("quota exceeded");
  }
}
