package dev.berth.cli;

import dev.berth.api.ErrorCode;
import dev.berth.cli.RestClient.Reply;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

@Command(
    name = "top",
    description = {
      "Show what this host and its plugins use, refreshed until Ctrl-C.",
      "Where nobody watches, as in a pipe, once unless -n is given."
    },
    footerHeading = "%nColumns, of which a narrow terminal shows the first:%n",
    footer = {
      "  CPU%%      of one core, over the last 6 to 8 s",
      "  MEMORY    in use, and the limit; M is MiB, G is GiB",
      "  NOW       calls running, or waiting for a worker",
      "  CALLS     calls ended since the plugin was enabled; ERRORS of them failed",
      "  /S        calls ended a second, since the last look",
      "  P50, P99  half and 99 %% of recent calls took no longer",
      "  RESTARTS  of its worker since the plugin was enabled",
      "  PIDS      processes and threads",
      "  DISK      what its files in /data take, and the limit",
      "  NET       what passed between it and the network, both ways"
    })
final class TopVerb extends RestVerb {
  private static final String CLEAR = "\u001b[H\u001b[2J";

  /** What the table can be ordered by. */
  enum Order {
    cpu,
    memory,
    disk,
    network,
    calls,
    errors,
    name;

    /** As it is shown, so that what looks alike keeps its place. */
    double of(JsonNode plugin) {
      return Math.rint(10 * exactly(plugin));
    }

    private double exactly(JsonNode plugin) {
      return switch (this) {
        case cpu -> plugin.path("cpu_usage").asDouble(0);
        case memory -> plugin.path("memory_usage_mb").asDouble(0);
        case disk -> plugin.path("disk_usage_mb").asDouble(0);
        case network -> TopVerb.network(plugin);
        case calls -> plugin.path("calls").asDouble(0);
        case errors -> plugin.path("errors").asDouble(0);
        case name -> 0;
      };
    }
  }

  @Option(
      names = {"-d", "--delay"},
      paramLabel = "SECONDS",
      description = "Between two looks; ${DEFAULT-VALUE} unless told.")
  double delay = 2;

  @Option(
      names = {"-n", "--count"},
      paramLabel = "N",
      description = "End after N looks. With --json, a line each.")
  int count;

  @Option(
      names = "--sort",
      paramLabel = "COLUMN",
      description = "The largest first, by ${COMPLETION-CANDIDATES}; ${DEFAULT-VALUE} unless told.")
  Order order = Order.cpu;

  TopVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run() {
    if (!(delay >= 0.1 && delay <= 3600)) {
      throw ExitCode.usage("-d wants a number of seconds from 0.1 to 3600, not " + delay + ".");
    }
    if (count < 0) {
      throw ExitCode.usage("-n wants a number from 1, not " + count + ".");
    }
    boolean watched = terminal().outTerminal();
    long looks = count > 0 ? count : watched ? Long.MAX_VALUE : 1;
    try (Plugins plugins = plugins()) {
      var before = new Look(0, Map.of());
      for (long look = 1; ; look++) {
        Reply reply = plugins.stats();
        if (json) {
          printJson(reply);
        } else {
          if (watched && looks > 1) {
            terminal().out().print(CLEAR);
          }
          before = show(reply.json(), before);
        }
        if (look >= looks) {
          return ExitCode.OK;
        }
        pause();
      }
    }
  }

  /** Ctrl-C ends the process; an interrupted thread is another's wish for the same. */
  private void pause() {
    try {
      Thread.sleep((long) (1000 * delay));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw ExitCode.INTERRUPTED.failure(ErrorCode.CANCELLED, "Stopped.");
    }
  }

  /** The counts of calls at some moment. */
  private record Look(long nanos, Map<String, Long> calls) {
    /** Calls a second since {@code this}; empty before there were two looks. */
    String rate(String id, long now, long count) {
      Long then = calls.get(id);
      // Fewer than before: it was enabled anew.
      return then == null || count < then
          ? "-"
          : Figures.number((count - then) * 1e9 / Math.max(1, now - nanos));
    }
  }

  private Look show(JsonNode stats, Look before) {
    long now = System.nanoTime();
    host(stats.path("host"));
    List<JsonNode> plugins = new ArrayList<>();
    stats.path("plugins").forEach(plugins::add);
    plugins.sort(
        Comparator.<JsonNode>comparingDouble(order::of)
            .reversed()
            .thenComparing(plugin -> plugin.path("name").asString("")));
    if (plugins.isEmpty()) {
      terminal().line("No plugin is enabled. `berth list` shows those that are installed.");
    }
    Map<String, Long> calls = new HashMap<>();
    var table =
        new Table(
            "NAME",
            "STATUS",
            "CPU%",
            "MEMORY",
            "NOW",
            "CALLS",
            "/S",
            "ERRORS",
            "P50",
            "P99",
            "RESTARTS",
            "PIDS",
            "DISK",
            "NET");
    for (JsonNode plugin : plugins) {
      String id = plugin.path("plugin_id").asString("");
      long ended = plugin.path("calls").asLong(0);
      calls.put(id, ended);
      table.row(cells(plugin, before.rate(id, now, ended)));
    }
    if (!plugins.isEmpty()) {
      table.print(terminal());
    }
    return new Look(now, calls);
  }

  private void host(JsonNode host) {
    int cpus = host.path("cpus").asInt(0);
    terminal()
        .line(
            "host    CPU %s %% of %s, load %s, memory %s of %s free"
                .formatted(
                    Figures.number(host.path("cpu_usage").asDouble(0)),
                    cpus == 1 ? "one core" : cpus + " cores",
                    Figures.number(host.path("load").asDouble(0)),
                    mib(host.path("memory_available_mb").asDouble(0)),
                    mib(host.path("memory_total_mb").asDouble(0))));
    terminal()
        .line(
            "server  CPU %s %% of one core, heap %s"
                .formatted(
                    Figures.number(host.path("server_cpu_usage").asDouble(0)),
                    mib(host.path("server_heap_mb").asDouble(0))));
  }

  private static String[] cells(JsonNode plugin, String rate) {
    JsonNode limits = plugin.path("limits");
    return new String[] {
      plugin.path("name").asString(""),
      plugin.path("status").asString(""),
      Figures.number(plugin.path("cpu_usage").asDouble(0)),
      used(plugin, limits, "memory_usage_mb"),
      plugin.path("in_flight").asString("0"),
      plugin.path("calls").asString("0"),
      rate,
      plugin.path("errors").asString("0"),
      Figures.time(plugin.path("p50_ms").asDouble(0)),
      Figures.time(plugin.path("p99_ms").asDouble(0)),
      plugin.path("restarts").asString("0"),
      plugin.path("pids").asString("0"),
      used(plugin, limits, "disk_usage_mb"),
      mib(network(plugin))
    };
  }

  /** {@code 12M/512M}; without the limit where it isn't known. */
  private static String used(JsonNode plugin, JsonNode limits, String name) {
    double limit = limits.path(name).asDouble(0);
    return mib(plugin.path(name).asDouble(0)) + (limit > 0 ? "/" + mib(limit) : "");
  }

  /** Both ways, in MiB. */
  private static double network(JsonNode plugin) {
    return (plugin.path("network_rx_bytes").asDouble(0)
            + plugin.path("network_tx_bytes").asDouble(0))
        / (1 << 20);
  }

  private static String mib(double mib) {
    return mib >= 1024 ? Figures.number(mib / 1024) + "G" : Figures.number(mib) + "M";
  }
}
