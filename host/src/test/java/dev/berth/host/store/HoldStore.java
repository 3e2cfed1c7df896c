package dev.berth.host.store;

import java.io.IOException;
import java.nio.file.Path;

/** Run as a process of its own: opens a store, says so, and holds it until its input ends. */
final class HoldStore {
  private HoldStore() {}

  public static void main(String[] arguments) throws IOException {
    try (Store store = Store.open(Path.of(arguments[0]))) {
      System.out.println("open " + store.registry().all().size());
      while (System.in.read() >= 0) {}
    }
  }
}
