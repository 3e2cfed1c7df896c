package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.berth.api.ErrorCode;
import dev.berth.api.Isolation;
import dev.berth.api.PluginException;
import dev.berth.api.PluginId;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What is told of an engine that lacks something, and what becomes of a start there. */
final class DockerIsolationTest {
  private static final JsonNode INFO =
      JsonMapper.builder()
          .build()
          .readTree(
              "{\"MemoryLimit\":true,\"SwapLimit\":true,\"PidsLimit\":true,\"CpuCfsQuota\":true,\"KernelMemoryTCP\":true,"
                  + "\"SecurityOptions\":[\"name=seccomp,profile=builtin\"]}");

  private static Isolation of(String runtime, String noVolumes, String noLandlock) {
    var used = new EngineRuntime(runtime, !runtime.isEmpty(), "");
    return DockerIsolation.of(
        new DockerIsolation.Found(INFO, used, "", "", noVolumes, noVolumes, noVolumes, noLandlock));
  }

  private static void start(Isolation found) {
    WeakIsolation.refuse(new PluginId("plugin_a"), found, false);
  }

  @Test
  void where_the_kernel_has_no_landlock_that_is_said_and_no_plugin_starts() {
    Isolation found = of("", "", "the kernel has no Landlock");
    assertThat(found.enforced()).doesNotContain("landlock");
    assertThatThrownBy(() -> start(found))
        .isInstanceOfSatisfying(
            PluginException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SANDBOX_TOO_WEAK))
        .hasMessageContaining("landlock (the kernel has no Landlock. Use Linux 5.13 or later")
        .hasMessageEndingWith("To start plugins nevertheless, serve with --allow-weak-isolation.");
    WeakIsolation.refuse(new PluginId("plugin_a"), found, true);
  }

  @Test
  void with_it_and_without_a_size_limit_plugins_start() {
    Isolation found = of("", "no mkfs.ext4", "");
    assertThat(found.enforced()).contains("landlock");
    assertThat(found.missing())
        .extracting(Isolation.Missing::protection)
        .containsExactly("data_size_limit", "data_rate_limit", "private_file_views");
    start(found);
  }

  @Test
  void a_kernel_of_its_own_stands_in_for_it_and_that_is_said() {
    Isolation found = of("runsc", "", "the kernel has no Landlock");
    assertThat(found.enforced()).contains("kernel_of_its_own").doesNotContain("landlock");
    assertThat(found.findings()).extracting(Isolation.Finding::name).containsExactly("landlock");
    start(found);
  }

  @Test
  void what_sockets_hold_is_part_of_the_memory_or_has_a_limit_of_its_own_or_is_missing() {
    JsonMapper mapper = JsonMapper.builder().build();
    var unbounded = mapper.createObjectNode().put("CgroupVersion", "1");
    var together = mapper.createObjectNode().put("CgroupVersion", "2");
    for (JsonNode info : new JsonNode[] {unbounded, together, INFO}) {
      var found = new DockerIsolation.Found(info, EngineRuntime.DEFAULT, "", "", "", "", "", "");
      assertThat(DockerIsolation.of(found).enforced().contains("socket_memory_limit"))
          .as(info.toString())
          .isEqualTo(info != unbounded);
    }
    assertThat(DockerIsolation.countsSocketsApart(together)).isFalse();
    assertThat(DockerIsolation.countsSocketsApart(INFO)).isTrue();
  }
}
