package dev.berth.dist;

/** The program. */
@SuppressWarnings("DoNotCallSuggester") // until it is built
public final class Main {
  private Main() {}

  public static void main(String[] args) {
    throw new UnsupportedOperationException("being built");
  }
}
