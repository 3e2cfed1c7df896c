package dev.berth.sandbox;

import static org.assertj.core.api.Assertions.assertThat;

import dev.berth.sandbox.ContainerRequest.Bind;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the engine is asked for, without an engine. */
final class ContainerRequestTest {
  private static final JsonMapper json = JsonMapper.builder().build();

  private static JsonNode body(double cpus, String runtime, Bind... binds) {
    return json.valueToTree(
        new ContainerRequest(
                "sha256:abc",
                "/usr/local/bin/python3.11",
                "270001:270001",
                64L << 20,
                512,
                new Ceilings(128, 1024, 64, cpus),
                1,
                "{\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
                List.of("GPG_KEY", "PYTHON_VERSION"),
                List.of("/scratch/", "/site", "/models"),
                List.of(binds),
                Map.of("dev.berth.boot", "b"),
                runtime,
                16L << 20)
            .body());
  }

  @Test
  void nothing_is_left_to_the_engines_defaults_or_the_image() {
    JsonNode host = body(0.5, "").path("HostConfig");
    assertThat(host.path("CapDrop").toString()).isEqualTo("[\"ALL\"]");
    assertThat(host.path("SecurityOpt").toString())
        .isEqualTo(
            "[\"no-new-privileges\",\"seccomp={\\\"defaultAction\\\":\\\"SCMP_ACT_ERRNO\\\"}\"]");
    assertThat(host.path("ReadonlyRootfs").asBoolean()).isTrue();
    assertThat(host.path("NetworkMode").asString()).isEqualTo("none");
    assertThat(host.path("IpcMode").asString()).isEqualTo("none");
    assertThat(host.path("CgroupnsMode").asString()).isEqualTo("private");
    assertThat(host.path("MemorySwap").asLong()).isEqualTo(host.path("Memory").asLong());
    assertThat(host.path("CpuQuota").asLong()).isEqualTo(50_000);
    assertThat(host.path("PidsLimit").asInt()).as("one for the init").isEqualTo(129);
    assertThat(host.path("KernelMemoryTCP").asLong()).isEqualTo(16 << 20);
    assertThat(host.path("LogConfig").path("Type").asString()).isEqualTo("none");
    assertThat(host.path("RestartPolicy").path("Name").asString()).isEqualTo("no");
    assertThat(host.has("Runtime")).isFalse();
    assertThat(host.has("Binds")).isFalse();
    assertThat(host.has("Devices")).isFalse();
    assertThat(host.path("Tmpfs").path("/tmp").asString())
        .contains("nosuid", "nodev", "noexec", "size=64m", "nr_inodes=16384");
  }

  @Test
  void the_images_volumes_are_covered_where_nothing_else_is() {
    JsonNode host = body(0.5, "", new Bind("/here", "/models", false)).path("HostConfig");
    assertThat(host.path("Tmpfs").path("/scratch").asString())
        .startsWith("ro,")
        .contains("size=4k");
    assertThat(host.path("Tmpfs").has("/site")).isTrue();
    assertThat(host.path("Tmpfs").has("/models")).isFalse();
  }

  @Test
  void the_images_own_variables_and_command_go() {
    JsonNode body = body(1, "");
    assertThat(body.path("Env").toString())
        .isEqualTo(
            "[\"GPG_KEY\",\"PYTHON_VERSION\",\"PATH=/usr/local/bin:/usr/bin:/bin\","
                + "\"PYTHONPATH=/workspace:/site:/runtime\",\"HOME=/data\",\"TMPDIR=/tmp\","
                + "\"LANG=C.UTF-8\"]");
    assertThat(body.path("Entrypoint").path(0).asString()).isEqualTo("/usr/local/bin/python3.11");
    assertThat(body.path("Entrypoint").toString()).contains("\"-I\",\"-S\"");
    assertThat(body.path("Cmd").isEmpty()).isTrue();
    assertThat(body.path("User").asString()).isEqualTo("270001:270001");
    assertThat(body.path("Healthcheck").path("Test").toString()).isEqualTo("[\"NONE\"]");
  }

  @Test
  void what_has_no_folder_yet_has_an_empty_place() {
    JsonNode parked = body(1, "").path("HostConfig");
    for (String place : List.of("/workspace", "/site", "/data", "/folders")) {
      assertThat(parked.path("Tmpfs").path(place).asString()).startsWith("ro,nosuid,nodev,noexec");
    }
    JsonNode own =
        body(1, "runsc", new Bind("/p", "/workspace", false), new Bind("/d", "/data", true))
            .path("HostConfig");
    assertThat(own.path("Runtime").asString()).isEqualTo("runsc");
    assertThat(own.path("Tmpfs").has("/workspace")).isFalse();
    assertThat(own.path("Tmpfs").has("/data")).isFalse();
    JsonNode mount = own.path("Mounts").path(0);
    assertThat(mount.path("Source").asString()).isEqualTo("/p");
    assertThat(mount.path("ReadOnly").asBoolean()).isTrue();
    assertThat(mount.path("BindOptions").path("Propagation").asString()).isEqualTo("rprivate");
    assertThat(own.path("Mounts").path(1).path("ReadOnly").asBoolean()).isFalse();
  }
}
