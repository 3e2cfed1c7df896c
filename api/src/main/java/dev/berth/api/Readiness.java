package dev.berth.api;

import java.util.List;

/**
 * Whether the host can work.
 *
 * @param problems what it lacks, each with the remedy; empty when ready
 */
public record Readiness(boolean ready, List<String> problems) {
  public Readiness {
    problems = List.copyOf(problems);
  }
}
