package dev.berth.host;

/** The host: open it, use its service, close it. */
public final class BerthHost {
  private BerthHost() {}
}
