package dev.berth.api;

import java.util.List;
import java.util.Set;

/**
 * What keeps a plugin apart from the host, as far as this host can.
 *
 * @param kind {@code docker}, {@code process} or {@code none}
 * @param enforced the protections in force, stable lower-case words such as {@code seccomp}, {@code
 *     memory_limit}
 * @param missing the ones that can't be had here, each with why and the remedy
 * @param findings what else was found out about the host at start
 */
public record Isolation(
    String kind, List<String> enforced, List<Missing> missing, List<Finding> findings) {
  /** Missing on most hosts or by choice, and so no reason to call a sandbox weak. */
  private static final Set<String> TOLERATED =
      Set.of(
          "data_size_limit",
          "data_rate_limit",
          "own_address_layout",
          "private_file_views",
          "connection_limit");

  public Isolation {
    enforced = List.copyOf(enforced);
    missing = List.copyOf(missing);
    findings = List.copyOf(findings);
  }

  public Isolation(String kind, List<String> enforced, List<Missing> missing) {
    this(kind, enforced, missing, List.of());
  }

  /** What is missing that plugins are not started without, unless the operator allows it. */
  public List<Missing> weaknesses() {
    return missing.stream().filter(m -> !TOLERATED.contains(m.protection())).toList();
  }

  /** A protection that can't be had here. */
  public record Missing(String protection, String why, String remedy) {}

  /**
   * A fact about the host.
   *
   * @param name a stable lower-case word such as {@code clock}
   * @param ok whether it is as it should be
   * @param what one sentence
   * @param remedy empty when nothing is to be done
   */
  public record Finding(String name, boolean ok, String what, String remedy) {}
}
