package dev.berth.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TopVerbTest {
  private static final String HOST =
      """
      "host":{"cpus":2,"cpu_usage":41.6,"load":1.25,"memory_total_mb":24576,\
      "memory_available_mb":2048,"server_cpu_usage":3,"server_heap_mb":64,"open_files":100,\
      "uptime_seconds":60}\
      """;

  private final FakeServer server = new FakeServer();

  @AfterEach
  void stop() {
    server.close();
  }

  private static String plugin(String id, String name, double cpu, double memory, int calls) {
    return """
    {"plugin_id":"%s","name":"%s","version":"1.0.0","status":"running","cpu_usage":%s,\
    "memory_usage_mb":%s,"disk_usage_mb":0.5,"network_rx_bytes":3145728,\
    "network_tx_bytes":1048576,"pids":3,"throttled_seconds":0,"calls":%d,"errors":2,\
    "in_flight":4,"p50_ms":0.31,"p95_ms":1,"p99_ms":1240,"restarts":1,"uptime_seconds":9,\
    "limits":{"cpu_usage":100,"memory_usage_mb":512,"disk_usage_mb":256,"pids":128,\
    "timeout_seconds":30}}\
    """
        .formatted(id, name, cpu, memory, calls);
  }

  private static String stats(String... plugins) {
    return "{" + HOST + ",\"plugins\":[" + String.join(",", plugins) + "]}";
  }

  private void has(String... plugins) {
    server.on("GET /api/stats", stats(plugins));
  }

  @Test
  void showsTheBusiestFirstOnceWhereNobodyWatches() {
    has(plugin("plugin_a", "calm", 0.2, 12, 7), plugin("plugin_b", "busy", 99.6, 400, 70));

    Cli.Ran ran = Cli.of(server).run("top");

    assertThat(ran.exit()).isZero();
    assertThat(ran.out().lines())
        .containsExactly(
            "host    CPU 42 % of 2 cores, load 1.3, memory 2.0G of 24G free",
            "server  CPU 3.0 % of one core, heap 64M",
            "NAME  STATUS   CPU%  MEMORY     NOW  CALLS  /S  ERRORS  P50     P99    RESTARTS  PIDS  DISK       NET",
            "busy  running  100   400M/512M  4    70     -   2       0.3 ms  1.2 s  1         3     0.5M/256M  4.0M",
            "calm  running  0.2   12M/512M   4    7      -   2       0.3 ms  1.2 s  1         3     0.5M/256M  4.0M");
  }

  @Test
  void a_terminal_too_narrow_shows_the_first_columns_and_no_line_is_wider() {
    has(plugin("plugin_a", "calm", 0.2, 12, 7));

    assertThat(Cli.of(server).terminal().run("top", "-n", "1").out().lines())
        .containsExactly(
            "host    CPU 42 % of 2 cores, load 1.3, memory 2.0G of 24G free",
            "server  CPU 3.0 % of one core, heap 64M",
            "NAME  STATUS   CPU%  MEMORY    NOW  CALLS  /S  ERRORS  P50     P99    RESTARTS",
            "calm  running  0.2   12M/512M  4    7      -   2       0.3 ms  1.2 s  1");
  }

  @Test
  void what_looks_alike_keeps_its_place() {
    has(plugin("plugin_a", "b", 0.04, 10, 7), plugin("plugin_b", "a", 0.01, 10, 9));

    assertThat(names("cpu")).containsExactly("a", "b");
  }

  @Test
  void sortsAsTold() {
    has(plugin("plugin_a", "b", 5, 10, 7), plugin("plugin_b", "a", 1, 20, 9));

    assertThat(names("cpu")).containsExactly("b", "a");
    assertThat(names("memory")).containsExactly("a", "b");
    assertThat(names("calls")).containsExactly("a", "b");
    assertThat(names("name")).containsExactly("a", "b");
    assertThat(names("errors")).containsExactly("a", "b");
  }

  private java.util.List<String> names(String order) {
    return Cli.of(server)
        .run("top", "--sort", order)
        .out()
        .lines()
        .skip(3)
        .map(line -> line.substring(0, 1))
        .toList();
  }

  @Test
  void looksAgainAndTellsCallsASecond() {
    has(plugin("plugin_a", "calm", 1, 12, 7));

    Cli.Ran ran = Cli.of(server).terminal().run("top", "-n", "2", "-d", "0.1");

    assertThat(ran.out().split("\u001b\\[H\u001b\\[2J", -1)).hasSize(3);
    assertThat(ran.out().lines().toList().getLast()).containsPattern("4 +7 +0\\.0 +2 ");
    assertThat(server.asked).hasSize(2);
  }

  @Test
  void printsALineOfJsonALook() {
    has(plugin("plugin_a", "calm", 1, 12, 7));

    assertThat(Cli.of(server).run("top", "--json").out().lines()).hasSize(1);

    Cli.Ran ran = Cli.of(server).run("top", "--json", "-n", "3", "-d", "0.1");

    assertThat(ran.out().lines()).hasSize(3).allMatch(line -> line.startsWith("{\"host\":"));
  }

  @Test
  void saysWhereThereIsNothing() {
    has();

    assertThat(Cli.of(server).run("top").out())
        .contains("No plugin is enabled. `berth list` shows those that are installed.");
  }

  @Test
  void refusesBadNumbers() {
    Cli.Ran delay = Cli.of(server).run("top", "-d", "0");
    Cli.Ran count = Cli.of(server).run("top", "-n", "-1");
    Cli.Ran order = Cli.of(server).run("top", "--sort", "colour");

    assertThat(delay.exit()).isEqualTo(2);
    assertThat(delay.err()).contains("-d wants a number of seconds from 0.1 to 3600, not 0.0.");
    assertThat(count.err()).contains("-n wants a number from 1, not -1.");
    assertThat(order.err()).contains("colour").contains("cpu, memory, disk, network");
    assertThat(server.asked).isEmpty();
  }
}
