package dev.berth.sandbox;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * How a running sandbox stands, seen from the host, in the form of the declared postures in
 * resources/posture: one JSON file for each kind of sandbox. Another kind is another file.
 *
 * <p>{@code threads} holds for every thread of the plugin's processes, {@code init} for those of
 * the sandbox's first process. In a declared posture {@code {uid}} stands for the plugin's uid as
 * the host sees it.
 */
final class Posture {
  private static final JsonMapper json = JsonMapper.builder().build();
  private static final List<String> CAPABILITIES =
      List.of("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb");
  private static final List<String> NAMESPACES =
      List.of("cgroup", "ipc", "mnt", "net", "pid", "user", "uts");

  /** Python for a probe: two more threads and a child process. */
  static final String[] COMPANY = {
    "import subprocess, sys, threading, time",
    "for _ in range(2): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    "child = subprocess.Popen([sys.executable, '-c', 'import time; print(1, flush=True);"
        + " time.sleep(600)'], stdout=subprocess.PIPE)",
    "child.stdout.readline(); child.stdout.close()"
  };

  /** A plugin that comes with the company of {@link #COMPANY}. */
  static final String PLUGIN =
      String.join("\n", COMPANY)
          + """

          class Company:
              def __init__(self, config): pass
              async def execute(self, context): return 1
          """;

  /** What a host says to a worker that is to load {@link #PLUGIN}. */
  static final String INITIALIZE =
      "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"protocol\":1,"
          + "\"plugin\":{\"id\":\"plugin_c\",\"name\":\"company\",\"version\":\"1.0.0\"},"
          + "\"entry\":{\"main\":\"main.py\",\"class\":\"Company\"},\"paths\":[\"/workspace\"],"
          + "\"limits\":{\"max_context_bytes\":1048576,\"max_result_bytes\":1048576},\"config\":{}}}";

  private Posture() {}

  /** The declared posture of this kind. */
  static String declared(String kind) throws IOException {
    return json.writerWithDefaultPrettyPrinter()
        .writeValueAsString(json.readTree(Policy.resource("/posture/" + kind + ".json")));
  }

  /**
   * The posture of the sandbox whose first process is {@code init}, with the company of {@link
   * #COMPANY}.
   *
   * @param uid the plugin's, as the host sees it
   * @param declared decides which limits are looked at, and which mounts by name
   */
  static String of(long init, int uid, String declared) throws IOException {
    List<Long> plugin = HostView.descendants(init);
    Path worker = process(plugin.getFirst());
    Map<String, Object> threads = new TreeMap<>();
    plugin.forEach(pid -> everyThread(pid, uid, threads));
    Map<String, Object> first = new TreeMap<>();
    everyThread(init, uid, first);
    first.put("descriptors", descriptors(process(init)));
    Map<String, Object> found = new TreeMap<>();
    found.put("processes", plugin.size());
    found.put("threads", threads);
    found.put("init", first);
    found.put("worker", ofProcess(worker));
    found.put("child", ofProcess(process(plugin.getLast())));
    found.put("mounts", mounts(worker, json.readTree(declared).path("mounts")));
    found.put("uid_map", idMap(worker, "uid_map", uid));
    found.put("gid_map", idMap(worker, "gid_map", uid));
    Map<String, Object> limits = new TreeMap<>();
    json.readTree(declared)
        .path("limits")
        .propertyNames()
        .forEach(name -> limits.put(name, limit(worker, name)));
    found.put("limits", limits);
    JsonNode tree = json.valueToTree(found);
    return json.writerWithDefaultPrettyPrinter().writeValueAsString(tree);
  }

  private static Path process(long pid) {
    return Path.of("/proc/" + pid);
  }

  /** Adds what its threads have in common; where they differ, all there is. */
  private static void everyThread(long pid, int uid, Map<String, Object> found) {
    try (Stream<Path> tasks = Files.list(process(pid).resolve("task"))) {
      for (Path task : tasks.toList()) {
        Map<String, String> status = HostView.status(task);
        same(found, "uids", named(status.get("Uid"), uid));
        same(found, "gids", named(status.get("Gid"), uid));
        same(found, "groups", named(status.get("Groups").replace(' ', '\t'), uid));
        CAPABILITIES.forEach(set -> same(found, set, status.get(set)));
        same(found, "NoNewPrivs", status.get("NoNewPrivs"));
        same(found, "Seccomp", status.get("Seccomp"));
        List<String> own = new ArrayList<>();
        for (String kind : NAMESPACES) {
          if (!link(task.resolve("ns/" + kind)).equals(link(Path.of("/proc/self/ns/" + kind)))) {
            own.add(kind);
          }
        }
        same(found, "namespaces of its own", String.join(" ", own));
        same(found, "control groups of its own", Boolean.toString(ownControlGroups(task)));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Notes {@code value}; where several are found, each once. */
  private static void same(Map<String, Object> found, String name, String value) {
    found.merge(
        name,
        value,
        (one, other) -> {
          var values = new TreeSet<>(List.of(((String) one).split(" and ", -1)));
          values.add(value);
          return String.join(" and ", values);
        });
  }

  /** The distinct ids of a line of status. */
  private static String named(String ids, int uid) {
    String known = Integer.toString(uid);
    return String.join(
        " ",
        new TreeSet<>(
            Stream.of(ids.split("\t", -1)).map(id -> id.equals(known) ? "{uid}" : id).toList()));
  }

  private static boolean ownControlGroups(Path task) {
    List<String> limiting =
        HostView.read(task.resolve("cgroup"))
            .lines()
            .filter(line -> line.matches("\\d+:(.*,)?(memory|pids|cpu|cpuacct)(,.*)?:.*"))
            .toList();
    return !limiting.isEmpty()
        && limiting.stream()
            .allMatch(line ->
                line.matches(
                    ".*(/berth-[0-9a-f]{12}-[0-9a-f]{8}[-/]w\\d+|docker[-/][0-9a-f]{64}.*)"));
  }

  private static Map<String, Object> ofProcess(Path process) throws IOException {
    Map<String, Object> found = new TreeMap<>();
    found.put("descriptors", descriptors(process));
    found.put(
        "environment",
        Stream.of(HostView.read(process.resolve("environ")).split("\0", -1))
            .filter(variable -> !variable.isEmpty())
            .map(variable -> variable.replaceAll("=.*", ""))
            .sorted()
            .toList());
    found.put("oom_score_adj", HostView.read(process.resolve("oom_score_adj")).strip());
    return found;
  }

  private static List<String> descriptors(Path process) throws IOException {
    try (Stream<Path> fds = Files.list(process.resolve("fd"))) {
      return fds.sorted(Comparator.comparingInt(f -> Integer.parseInt(f.getFileName().toString())))
          .map(fd -> link(fd).replaceAll(":\\[\\d+\\]", ""))
          .toList();
    }
  }

  /**
   * What may be done with each mount that is declared by name or by its folder, and with all the
   * others. Where nothing is declared of the others, those that can be written are told by name.
   */
  private static Map<String, Object> mounts(Path worker, JsonNode declared) {
    Map<String, Object> found = new TreeMap<>();
    for (String line : HostView.read(worker.resolve("mountinfo")).lines().toList()) {
      List<String> fields = List.of(line.split(" ", -1));
      String point = fields.get(4);
      String options =
          String.join(
              " ",
              Stream.of(fields.get(5).split(",", -1))
                  .filter(option -> !option.endsWith("atime"))
                  .toList());
      if (line.contains(" shared:")) {
        options += ", shared with the host";
      }
      if (line.contains(" master:")) {
        options += ", following the host";
      }
      String folder = point.substring(0, point.lastIndexOf('/') + 1) + "*";
      if (declared.has(point) || declared.has(folder)) {
        same(found, declared.has(point) ? point : folder, options);
      } else if (declared.has("others")) {
        same(found, "others", options);
      } else if (options.startsWith("rw") && !fields.get(3).equals("/null")) {
        same(found, point, options); // what the engine hides is read-only or an empty device
      }
    }
    return found;
  }

  private static String idMap(Path worker, String file, int uid) {
    return HostView.read(worker.resolve(file))
        .strip()
        .replaceAll(" +", " ")
        .replace(" " + uid + " ", " {uid} ");
  }

  /** A handler in core_pattern makes 1 the limit that yields no core dump; else it is 0. */
  private static String limit(Path process, String name) {
    String value =
        HostView.read(process.resolve("limits"))
            .lines()
            .filter(line -> line.startsWith(name))
            .map(line -> line.substring(26).strip().replaceAll(" .*", ""))
            .findFirst()
            .orElseThrow();
    return name.equals("Max core file size") && value.equals("1") ? "0" : value;
  }

  private static String link(Path path) {
    try {
      return Files.readSymbolicLink(path).toString();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
