package dev.berth.cli;

import dev.berth.cli.Plugins.Ref;
import dev.berth.cli.RestClient.Reply;
import picocli.CommandLine.Command;
import tools.jackson.databind.JsonNode;

@Command(
    name = "stats",
    description = "Show what a plugin uses beside what it may use, and how its calls go.",
    footer = {
      "",
      "Calls, restarts and bytes are counted from the moment the plugin was enabled.",
      "A dash stands for what isn't known, such as limits while no worker runs."
    })
final class StatsVerb extends PluginVerb {
  private static final double KIB = 1 << 10;
  private static final double MIB = 1 << 20;

  StatsVerb(Session session) {
    super(session);
  }

  @Override
  ExitCode run(Plugins plugins, Ref plugin) {
    Reply reply = plugins.get(plugin, "/stats");
    if (json) {
      printJson(reply);
    } else {
      show(reply.json());
    }
    return ExitCode.OK;
  }

  private void show(JsonNode stats) {
    double uptime = number(stats, "uptime_seconds");
    terminal()
        .line(
            "%s %s (%s) is %s%s."
                .formatted(
                    stats.path("name").asString(""),
                    stats.path("version").asString(""),
                    stats.path("plugin_id").asString(""),
                    stats.path("status").asString("unknown"),
                    uptime > 0 ? ", for " + seconds(uptime) : ""));
    terminal().line("");
    JsonNode limits = stats.path("limits");
    var table = new Table("FIGURE", "NOW", "LIMIT", "MEANING");
    table.row(
        "CPU",
        percent(number(stats, "cpu_usage")),
        known(limits, "cpu_usage", StatsVerb::percent),
        "of one core, over the last 6 to 8 s");
    table.row(
        "held back",
        seconds(number(stats, "throttled_seconds")),
        "-",
        "how long the CPU limit made it wait");
    table.row(
        "memory",
        Figures.mebibytes(number(stats, "memory_usage_mb")),
        known(limits, "memory_usage_mb", Figures::mebibytes),
        "without the file cache that can be given back");
    table.row(
        "disk",
        Figures.mebibytes(number(stats, "disk_usage_mb")),
        known(limits, "disk_usage_mb", Figures::mebibytes),
        "what its files in /data take");
    table.row(
        "processes", count(stats, "pids"), known(limits, "pids", StatsVerb::whole), "and threads");
    table.row(
        "received", bytes(number(stats, "network_rx_bytes")), "-", "through the egress proxy");
    table.row("sent", bytes(number(stats, "network_tx_bytes")), "-", "likewise");
    table.row("calls", count(stats, "calls"), "-", "that ended");
    table.row("failed", count(stats, "errors"), "-", failures(stats));
    table.row("under way", count(stats, "in_flight"), "-", "running, or waiting for a worker");
    String longest = known(limits, "timeout_seconds", StatsVerb::seconds);
    String recent = "of the calls of the last half to whole minute";
    table.row("half took", time(stats, "p50_ms"), longest, "at most, " + recent);
    table.row("95 % took", time(stats, "p95_ms"), longest, "likewise");
    table.row("99 % took", time(stats, "p99_ms"), longest, "likewise");
    table.row("restarts", count(stats, "restarts"), "-", "of its worker");
    table.print(terminal());
  }

  /** Where to read on, where something failed. */
  private static String failures(JsonNode stats) {
    return number(stats, "errors") > 0
        ? "`berth errors " + stats.path("name").asString("") + "` shows them"
        : "of these calls";
  }

  /** A limit, or a dash for one that isn't known. */
  private static String known(
      JsonNode limits, String name, java.util.function.DoubleFunction<String> shown) {
    double limit = number(limits, name);
    return limit > 0 ? shown.apply(limit) : "-";
  }

  private static double number(JsonNode figures, String name) {
    return figures.path(name).asDouble(0);
  }

  private static String count(JsonNode stats, String name) {
    return stats.path(name).asString("0");
  }

  private static String time(JsonNode stats, String name) {
    return Figures.time(number(stats, name));
  }

  private static String percent(double value) {
    return Figures.number(value) + " %";
  }

  private static String whole(double value) {
    return Long.toString((long) value);
  }

  private static String seconds(double value) {
    return Figures.number(value) + " s";
  }

  /** Small amounts to the byte. */
  private static String bytes(double bytes) {
    if (bytes < KIB) {
      return (long) bytes + " B";
    }
    return bytes < MIB ? Figures.number(bytes / KIB) + " KiB" : Figures.mebibytes(bytes / MIB);
  }
}
