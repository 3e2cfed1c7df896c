package dev.berth.dist;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a plugin gets of the CPU, by plugins that take all they can get. */
@Timeout(120)
@RootOnly("without root there is no control group to bound it")
final class CpuLimitTest extends OneHost {
  private static final String SPINS =
      """
      import os
      import time

      class P:
          def __init__(self, config):
              pass

          def execute(self, context):
              begun = time.monotonic()
              for _ in range(context["processes"]):
                  if os.fork() == 0:
                      if context["together"]:
                          os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
                      while time.monotonic() < begun + context["seconds"]:
                          pass
                      os._exit(0)
              for _ in range(context["processes"]):
                  os.wait()
              used = os.times()
              wall = time.monotonic() - begun
              return {"cpus": (used.children_user + used.children_system) / wall}
      """;

  private String spinner(String name, int shares) {
    String yaml = "resources: {cpu_shares: %d}\n".formatted(shares);
    return running(Pack.plugin(folder, name, "1.0.0", yaml, SPINS));
  }

  /**
   * How many CPUs it had.
   *
   * @param together on the same one as all others that do this
   */
  private double spin(String id, int processes, double seconds, boolean together) {
    String context = "{\"processes\":%d,\"seconds\":%s,\"together\":%s}";
    return ask(id, context.formatted(processes, seconds, together)).path("cpus").asDouble();
  }

  @Test
  void all_its_processes_together_get_no_more_than_the_quota() {
    // One CPU where the operator says nothing; each of the two would have one of its own.
    assertThat(spin(spinner("spinner", 1024), 2, 1.5, false)).isBetween(0.5, 1.2);
  }

  @Test
  void those_that_want_the_same_cpu_get_it_by_their_shares() throws Exception {
    String heavy = spinner("heavy", 4096);
    String light = spinner("light", 1024);
    var other = CompletableFuture.supplyAsync(() -> spin(heavy, 1, 2.5, true));
    double little = spin(light, 1, 2.5, true);
    assertThat(other.get(60, TimeUnit.SECONDS) / little).isBetween(2.5, 6.0);
  }
}
