package dev.berth.api;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What a host can give plugins, found out by trying.
 *
 * @param facts such as {@code kernel}, {@code machine}, {@code user}; for reading
 * @param levels one for each way to keep a plugin apart
 * @param findings what else was found out
 * @param standard name of the level that plugins get when nothing else is said
 */
public record HostReport(
    Map<String, String> facts,
    List<Level> levels,
    List<Isolation.Finding> findings,
    String standard) {
  public HostReport {
    facts = Map.copyOf(new TreeMap<>(facts));
    levels = List.copyOf(levels);
    findings = List.copyOf(findings);
  }

  /**
   * A way to keep a plugin apart.
   *
   * @param name {@code process}, {@code process_exec}, {@code process_without_root} or {@code
   *     docker}
   * @param available whether a plugin could be started in it
   * @param why why it can't be; empty when it is available
   * @param isolation what it gives
   */
  public record Level(String name, boolean available, String why, Isolation isolation) {}

  /** Whether the standard level is available and no protection is missing from it. */
  public boolean complete() {
    return levels.stream()
        .filter(level -> level.name().equals(standard))
        .anyMatch(level -> level.available() && level.isolation().weaknesses().isEmpty());
  }
}
