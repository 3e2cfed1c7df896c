package dev.berth.host.store;

/** Told of each point the journal passes, on the thread that passes it. For crash tests. */
@FunctionalInterface
public interface JournalObserver {
  JournalObserver NONE = (_, _) -> {};

  /**
   * @param kind the operation, e.g. {@code install}
   * @param point {@code begin} and each step's name once they are on disk; {@code finish} just
   *     before the transaction that ends the entry commits, {@code finished} just after
   */
  void reached(String kind, String point);
}
