package dev.berth.api;

import java.util.List;

/**
 * What keeps a plugin apart from the host, as far as this host can.
 *
 * @param kind {@code docker}, {@code process} or {@code none}
 * @param enforced the protections in force, stable lower-case words such as {@code seccomp}, {@code
 *     memory_limit}
 * @param missing the ones that can't be had here, each with why and the remedy
 */
public record Isolation(String kind, List<String> enforced, List<Missing> missing) {
  public Isolation {
    enforced = List.copyOf(enforced);
    missing = List.copyOf(missing);
  }

  /** A protection that can't be had here. */
  public record Missing(String protection, String why, String remedy) {}
}
