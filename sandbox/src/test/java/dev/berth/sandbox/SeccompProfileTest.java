package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.PluginException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The policy as a Docker profile: the same answers as the process sandbox's filter gives. */
@Timeout(120)
final class SeccompProfileTest {
  private static final JsonMapper json = JsonMapper.builder().build();
  static final String IMAGE =
      System.getenv().getOrDefault("BERTH_TEST_IMAGE", "berth-test-python:1");
  private static final Map<Integer, String> ERRNO =
      Map.of(1, "EPERM", 38, "ENOSYS", 93, "EPROTONOSUPPORT", 97, "EAFNOSUPPORT");

  static boolean engine() throws IOException, InterruptedException {
    try {
      return new ProcessBuilder("docker", "image", "inspect", IMAGE)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException noSuchCommand) {
      return false;
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"x86_64", "aarch64"})
  void everyCallIsNamedOnceByAllowedOrByRules(String machine) {
    JsonNode policy = Policy.read();
    TreeSet<String> named = new TreeSet<>();
    policy.path("allowed").forEach(call -> assertThat(named.add(call.asString())).isTrue());
    TreeSet<String> ruled = new TreeSet<>();
    policy
        .path("rules")
        .forEach(rule -> rule.path("calls").forEach(call -> ruled.add(call.asString())));
    assertThat(named).doesNotContainAnyElementsOf(ruled);
    named.addAll(ruled);
    List<String> numbered = List.copyOf(policy.path("numbers").path(machine).propertyNames());
    assertThat(named).containsAll(numbered);
    assertThat(numbered).hasSizeGreaterThan(300);
  }

  /**
   * Tries the profile's rules in any order on every value that a rule of the policy tells apart.
   */
  @ParameterizedTest
  @ValueSource(strings = {"x86_64", "aarch64"})
  void theProfileAnswersAsThePolicy(String machine) {
    JsonNode policy = Policy.read();
    JsonNode profile = json.readTree(SeccompProfile.docker(machine));
    long[] values = {
      0,
      1,
      2,
      3,
      4,
      5,
      6,
      9,
      10,
      11,
      16,
      17,
      18,
      22,
      38,
      62,
      40,
      0x40,
      0x400,
      0x402,
      0x800,
      0x9ed,
      0x400002,
      0x80801,
      0x80802,
      0x80805,
      0x80803,
      0x5401,
      0x5412,
      0x5413,
      0x541c,
      0x0040000,
      0x20000,
      0x10000000,
      0x40000000,
      0x3d0f00,
      0x7fffffff,
      0xfffffffeL,
      0xffffffffL,
      0x1_0000_0001L,
      0x1_0000_0028L,
      0x7_0000_5412L
    };
    long[] thirds = {0, 1, 6, 9, 15, 17, 26, 51, 0x40, 0x800, 0x9ed, 0x400002, 0xffffffffL};
    int tried = 0;
    for (String call : policy.path("numbers").path(machine).propertyNames()) {
      List<JsonNode> rules =
          profile.path("syscalls").valueStream().filter(rule -> names(rule, call)).toList();
      List<JsonNode> wanted = Policy.rulesOfContainers(policy, call);
      boolean looksAtThird =
          call.equals("socket")
              || call.equals("setsockopt")
              || call.equals("shmget")
              || call.endsWith("msg")
              || call.matches("open|.*at2?");
      for (long a : values) {
        for (long b : values) {
          for (long c : looksAtThird ? thirds : new long[] {0}) {
            long[] arguments = {a, b, c, a};
            assertThat(answer(rules, call, arguments))
                .as("%s %s", call, arguments)
                .isEqualTo(Policy.answer(wanted, arguments));
            tried++;
          }
        }
      }
    }
    assertThat(tried).isGreaterThan(300_000);
  }

  private static String answer(List<JsonNode> rules, String call, long[] arguments) {
    String found = "";
    for (JsonNode rule : rules) {
      if (holds(rule, arguments)) {
        assertThat(found).as("rules that overlap for %s", call).isEmpty();
        found =
            rule.path("action").asString().equals("SCMP_ACT_ALLOW")
                ? "allow"
                : ERRNO.get(rule.path("errnoRet").asInt());
      }
    }
    return found.isEmpty() ? "EPERM" : found;
  }

  private static boolean names(JsonNode rule, String call) {
    return rule.path("names").valueStream().anyMatch(name -> name.asString().equals(call));
  }

  private static boolean holds(JsonNode rule, long[] arguments) {
    return rule.path("args")
        .valueStream()
        .allMatch(test ->
            (arguments[test.path("index").asInt()] & test.path("value").asLong())
                == test.path("valueTwo").asLong());
  }

  @Test
  void noArchitectureBesideTheMachinesOwn() {
    JsonNode profile = json.readTree(SeccompProfile.docker("x86_64"));
    assertThat(profile.path("architectures").toString()).isEqualTo("[\"SCMP_ARCH_X86_64\"]");
    assertThat(profile.path("defaultAction").asString()).isEqualTo("SCMP_ACT_ERRNO");
    assertThat(json.readTree(SeccompProfile.docker("aarch64")).path("architectures").toString())
        .isEqualTo("[\"SCMP_ARCH_AARCH64\"]");
    assertThatThrownBy(() -> SeccompProfile.docker("riscv64"))
        .isInstanceOf(PluginException.class)
        .hasMessage("There is no system call policy for riscv64. Run Berth on x86_64 or aarch64.");
  }

  @Test
  @EnabledIf(value = "engine", disabledReason = "needs a Docker engine that has the test image")
  void aRealEngineRefusesAndLetsThroughAsThePolicySays(@TempDir Path folder) throws Exception {
    JsonNode said = json.readTree(run(folder, "/probe/refusals.py", "/probe/seccomp.json"));
    for (JsonNode attempt : said.path("refused")) {
      String what = attempt.path(0).asString();
      if (Policy.rules(Policy.read(), what).stream().anyMatch(rule -> rule.has("last"))) {
        continue; // the worker's own filter, which the bare engine doesn't apply
      }
      String got = attempt.path(2).asString();
      // The engine's library may not know the newest calls; it says so of those, which is no less.
      boolean unknown = Policy.number(what) > 450 && got.equals("ENOSYS");
      assertThat(unknown ? attempt.path(1).asString() : got)
          .as(what)
          .isEqualTo(attempt.path(1).asString());
    }
    assertThat(said.path("refused").size()).isGreaterThan(150);
    said.path("works")
        .forEachEntry((what, how) -> assertThat(how.asString()).as(what).isEqualTo("yes"));
    assertThat(said.path("works").size()).isGreaterThan(7);
  }

  @Test
  @EnabledIf(value = "engine", disabledReason = "needs a Docker engine that has the test image")
  void aRealEngineKillsForeignCalls(@TempDir Path folder) throws Exception {
    for (String machineCode : Policy.FOREIGN_CALLS) {
      assertThat(exit(folder, "-c", Policy.execute(machineCode))).isEqualTo(128 + 31);
    }
  }

  private static String run(Path folder, String... arguments) throws Exception {
    Process process = docker(folder, arguments);
    String out =
        new String(
            process.getInputStream().readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(out).isZero();
    return out;
  }

  private static int exit(Path folder, String... arguments) throws Exception {
    Process process = docker(folder, arguments);
    process.getInputStream().transferTo(java.io.OutputStream.nullOutputStream());
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private static Process docker(Path folder, String... arguments) throws IOException {
    Path profile = folder.resolve("profile.json");
    Files.writeString(profile, SeccompProfile.docker());
    Files.writeString(folder.resolve("refusals.py"), Policy.resource("/probe/refusals.py"));
    Files.writeString(folder.resolve("seccomp.json"), Policy.read().toString());
    List<String> command =
        new java.util.ArrayList<>(
            List.of(
                "docker",
                "run",
                "--rm",
                "--init",
                "--network",
                "none",
                "--cap-drop",
                "ALL",
                "--security-opt",
                "no-new-privileges",
                "--security-opt",
                "seccomp=" + profile,
                "--user",
                "0:0",
                "-v",
                folder + ":/probe:ro",
                IMAGE,
                "python3",
                "-I",
                "-S"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }
}
