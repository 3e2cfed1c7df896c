package dev.berth.sandbox;

import dev.berth.api.ErrorCode;
import dev.berth.api.PluginException;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Turns seccomp.json, the policy that the process sandbox's filter is built from, into a profile
 * for Docker: an allowlist that answers every call as that filter does.
 *
 * <p>The policy's rules are tried in order. A profile's rules have no order that could be relied
 * on, and the engine takes two conditions on one argument for alternatives. So what the arguments
 * can be is cut into cells that don't overlap, each a value under a mask for each argument, and
 * each cell gets the answer of the first rule that holds in it.
 *
 * <p>32-bit and x32 calls have no place in the profile's list of architectures and so end the
 * process. A call past the newest that the engine's library knows is answered ENOSYS by the engine.
 */
final class SeccompProfile {
  private static final JsonMapper json = JsonMapper.builder().build();
  private static final String POLICY = "/dev/berth/sandbox/python/berth_runtime/seccomp.json";
  private static final String ALLOW = "allow";

  /** What the profile answers to calls it does not name. */
  private static final String DEFAULT = "EPERM";

  private static final Map<String, Integer> ERRNO =
      Map.of("EPERM", 1, "ENOSYS", 38, "EPROTONOSUPPORT", 93, "EAFNOSUPPORT", 97);

  /** The part of an argument that a condition looks at. */
  private record Field(int argument, long mask) {}

  /** The values whose bits below {@code mask} are {@code value}. */
  private record Block(long mask, long value) {}

  /** Holds when the field is {@code value}, or when it isn't. */
  private record Condition(Field field, long value, boolean equal) {}

  /** Refuses with {@code errno} when all conditions hold. */
  private record Refusal(String errno, List<Condition> when) {}

  private SeccompProfile() {}

  /**
   * The profile for this machine, JSON as {@code docker run --security-opt seccomp=} takes it.
   *
   * @throws PluginException {@code sandbox_unavailable} on a machine that the policy does not know
   */
  static String docker() {
    String arch = System.getProperty("os.arch", "");
    return docker(arch.equals("amd64") ? "x86_64" : arch);
  }

  /** Likewise for another machine, by the name uname(1) has for it. */
  static String docker(String machine) {
    JsonNode policy = policy();
    JsonNode architecture = policy.path("architectures").path(machine);
    if (architecture.isMissingNode()) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE,
          "There is no system call policy for " + machine + ". Run Berth on x86_64 or aarch64.");
    }
    JsonNode numbers = policy.path("numbers").path(machine);
    Map<String, Object> profile = new LinkedHashMap<>();
    profile.put("defaultAction", "SCMP_ACT_ERRNO");
    profile.put("defaultErrnoRet", errno(DEFAULT));
    profile.put("architectures", List.of(architecture.path("docker").asString()));
    List<Map<String, Object>> rules = new ArrayList<>();
    rules.add(rule(known(policy.path("allowed"), numbers), ALLOW, List.of()));
    Map<String, List<Refusal>> conditional = new LinkedHashMap<>();
    for (JsonNode rule : policy.path("rules")) {
      List<String> calls = known(rule.path("calls"), numbers);
      String errno = rule.path("errno").asString();
      if (rule.has("last")) {
        rules.add(rule(calls, ALLOW, List.of()));
      } else if (rule.has("when")) {
        List<Condition> when = rule.path("when").valueStream().map(SeccompProfile::read).toList();
        calls.forEach(call ->
            conditional
                .computeIfAbsent(call, any -> new ArrayList<>())
                .add(new Refusal(errno, when)));
      } else if (!errno.equals(DEFAULT) && !calls.isEmpty()) {
        rules.add(rule(calls, errno, List.of()));
      }
    }
    conditional.forEach((call, refusals) -> cut(call, refusals, new LinkedHashMap<>(), rules));
    profile.put("syscalls", rules);
    return json.writeValueAsString(profile);
  }

  private static JsonNode policy() {
    try (InputStream in = SeccompProfile.class.getResourceAsStream(POLICY)) {
      if (in == null) {
        throw new IOException("it is missing from this build");
      }
      return json.readTree(in);
    } catch (IOException e) {
      throw new PluginException(
          ErrorCode.SANDBOX_UNAVAILABLE, "The system call policy can't be read: " + e, e);
    }
  }

  private static List<String> known(JsonNode calls, JsonNode numbers) {
    return calls.valueStream().map(JsonNode::asString).filter(numbers::has).toList();
  }

  private static Condition read(JsonNode condition) {
    int argument = condition.path("argument").asInt();
    long value = Long.decode(condition.path("value").asString());
    long mask = Long.decode(condition.path("mask").asString("0xffffffff"));
    return switch (condition.path("op").asString()) {
      case "eq" -> new Condition(new Field(argument, mask), value, true);
      case "ne" -> new Condition(new Field(argument, mask), value, false);
      case "bits" -> new Condition(new Field(argument, value), 0, false);
      default -> throw new IllegalStateException("seccomp.json: unknown op in " + condition);
    };
  }

  /** Adds the rules for what is left of {@code call} when its fields lie in these blocks. */
  private static void cut(
      String call,
      List<Refusal> refusals,
      Map<Field, Block> cell,
      List<Map<String, Object>> rules) {
    for (Refusal refusal : refusals) {
      Field open = null;
      boolean holds = true;
      for (Condition condition : refusal.when()) {
        Boolean known = holds(condition, cell.get(condition.field()));
        if (known == null && open == null) {
          open = condition.field();
        }
        holds &= known == null || known;
      }
      if (holds && open != null) {
        for (Block block : blocks(open, refusals)) {
          Map<Field, Block> smaller = new LinkedHashMap<>(cell);
          smaller.put(open, block);
          cut(call, refusals, smaller, rules);
        }
        return;
      }
      if (holds) {
        add(call, refusal.errno(), cell, rules);
        return;
      }
    }
    add(call, ALLOW, cell, rules);
  }

  private static @Nullable Boolean holds(Condition condition, @Nullable Block block) {
    if (block == null) {
      return null;
    }
    // A block is one of the values that conditions name, or holds none of them.
    boolean same = block.mask() == condition.field().mask() && block.value() == condition.value();
    return same == condition.equal();
  }

  /** All that a field can be: the values that conditions name, and the rest in few blocks. */
  private static List<Block> blocks(Field field, List<Refusal> refusals) {
    Set<Long> named = new LinkedHashSet<>();
    refusals.stream()
        .flatMap(refusal -> refusal.when().stream())
        .filter(condition -> condition.field().equals(field))
        .forEach(condition -> named.add(condition.value()));
    List<Block> blocks = new ArrayList<>();
    named.forEach(value -> blocks.add(new Block(field.mask(), value)));
    rest(field.mask(), new Block(0, 0), named, blocks);
    return blocks;
  }

  /** Halves {@code block} bit by bit, highest first, until a part holds no named value. */
  private static void rest(long mask, Block block, Set<Long> named, List<Block> blocks) {
    boolean free = named.stream().noneMatch(value -> (value & block.mask()) == block.value());
    long bit = Long.highestOneBit(mask & ~block.mask());
    if (free) {
      blocks.add(block);
    } else if (bit != 0) {
      rest(mask, new Block(block.mask() | bit, block.value()), named, blocks);
      rest(mask, new Block(block.mask() | bit, block.value() | bit), named, blocks);
    }
  }

  private static void add(
      String call, String answer, Map<Field, Block> cell, List<Map<String, Object>> rules) {
    if (answer.equals(DEFAULT)) {
      return;
    }
    List<Map<String, Object>> arguments = new ArrayList<>();
    cell.forEach((field, block) -> {
      Map<String, Object> argument = new LinkedHashMap<>();
      argument.put("index", field.argument());
      argument.put("value", block.mask());
      argument.put("valueTwo", block.value());
      argument.put("op", "SCMP_CMP_MASKED_EQ");
      arguments.add(argument);
    });
    rules.add(rule(List.of(call), answer, arguments));
  }

  private static Map<String, Object> rule(
      List<String> calls, String answer, List<Map<String, Object>> arguments) {
    Map<String, Object> rule = new LinkedHashMap<>();
    rule.put("names", calls);
    rule.put("action", answer.equals(ALLOW) ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO");
    if (!answer.equals(ALLOW)) {
      rule.put("errnoRet", errno(answer));
    }
    rule.put("args", arguments);
    return rule;
  }

  private static int errno(String name) {
    Integer number = ERRNO.get(name);
    if (number == null) {
      throw new IllegalStateException("seccomp.json: no number is known for " + name);
    }
    return number;
  }
}
