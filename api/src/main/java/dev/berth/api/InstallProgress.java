package dev.berth.api;

/** Told what an install is at, for people who wait. May be called from any thread. */
@FunctionalInterface
public interface InstallProgress {
  InstallProgress NONE = (_, _) -> {};

  /**
   * @param step {@code read}, {@code validate}, {@code image}, {@code dependencies}, {@code
   *     register}, {@code start}
   * @param message one line
   */
  void onStep(String step, String message);
}
