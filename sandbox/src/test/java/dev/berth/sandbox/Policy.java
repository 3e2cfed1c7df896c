package dev.berth.sandbox;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The list of refused system calls, protocol/seccomp.json. */
final class Policy {
  static final String MACHINE =
      System.getProperty("os.arch").equals("amd64") ? "x86_64" : System.getProperty("os.arch");

  private Policy() {}

  static JsonNode read() {
    try (InputStream in =
        Policy.class.getResourceAsStream("/dev/berth/sandbox/python/berth_runtime/seccomp.json")) {
      return JsonMapper.builder().build().readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String resource(String name) throws IOException {
    try (InputStream in = Policy.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), java.nio.charset.StandardCharsets.UTF_8);
    }
  }

  /** Machine code that makes a call of another kind: getpid by int 0x80, and by the x32 number. */
  static final java.util.List<String> FOREIGN_CALLS =
      java.util.List.of("b814000000cd80c3", "b8270000400f05c3");

  /** Python that runs machine code. */
  static String execute(String hex) {
    return String.join(
        "\n",
        "import ctypes, mmap",
        "code = mmap.mmap(-1, 4096, prot=7)",
        "code.write(bytes.fromhex('" + hex + "'))",
        "at = ctypes.addressof(ctypes.c_char.from_buffer(code))",
        "ctypes.CFUNCTYPE(ctypes.c_int)(at)()");
  }

  /** Those that speak of the call, in their order. */
  static List<JsonNode> rules(JsonNode policy, String call) {
    return policy
        .path("rules")
        .valueStream()
        .filter(
            rule -> rule.path("calls").valueStream().anyMatch(name -> name.asString().equals(call)))
        .toList();
  }

  /** Of those, what a container's own profile is to have: the worker's filter comes after it. */
  static List<JsonNode> rulesOfContainers(JsonNode policy, String call) {
    return rules(policy, call).stream().filter(rule -> !rule.has("last")).toList();
  }

  /** What the rules answer, read as the policy says it is to be read: {@code allow} or an errno. */
  static String answer(List<JsonNode> rules, long[] arguments) {
    for (JsonNode rule : rules) {
      if (rule.path("when").valueStream().allMatch(when -> holds(when, arguments))) {
        return rule.path("errno").asString();
      }
    }
    return "allow";
  }

  private static boolean holds(JsonNode when, long[] arguments) {
    long value = Long.decode(when.path("value").asString());
    long mask = Long.decode(when.path("mask").asString("0xffffffff"));
    long argument = arguments[when.path("argument").asInt()] & 0xffffffffL;
    return switch (when.path("op").asString()) {
      case "eq" -> (argument & mask) == value;
      case "ne" -> (argument & mask) != value;
      case "bits" -> (argument & value) != 0;
      default -> throw new AssertionError(when);
    };
  }

  static int number(String call) {
    return read().path("numbers").path(MACHINE).path(call).asInt(-1);
  }
}
