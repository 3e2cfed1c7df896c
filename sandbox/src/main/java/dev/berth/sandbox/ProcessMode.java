package dev.berth.sandbox;

/** How the process sandbox makes a worker's process. What isolates it is the same. */
public enum ProcessMode {
  /** A fork of one Python process: small and quick, with that one's address-space layout. */
  ZYGOTE("zygote"),
  /** An interpreter of its own, with its own address-space layout and hash seed. */
  EXEC("exec");

  private final String word;

  ProcessMode(String word) {
    this.word = word;
  }

  /** As settings and the launcher write it. */
  public String word() {
    return word;
  }
}
