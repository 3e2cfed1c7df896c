package dev.berth.dist;

import dev.berth.cli.Hosting;
import java.util.List;

/** Ways to host that several tests want. */
final class Hostings {
  static final Hosting PROCESS =
      Hosting.DEFAULT.withIsolation(
          new Hosting.Isolation("process", false, "zygote", "", "", false));

  private Hostings() {}

  static Hosting data(Hosting hosting, int mb) {
    Hosting.Maxima most = hosting.maxima();
    return hosting.withMaxima(
        new Hosting.Maxima(
            most.memoryMb(),
            most.cpuShares(),
            most.timeoutSeconds(),
            most.cpus(),
            most.pids(),
            mb));
  }

  /** Plugins get to these places of this machine, each {@code host:port}. */
  static Hosting reaching(Hosting hosting, String... places) {
    return hosting.withEgress(
        new Hosting.Egress(List.of(places), List.of(), hosting.egress().hourlyMb()));
  }
}
